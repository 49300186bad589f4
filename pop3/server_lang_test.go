package pop3_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/pop3"
)

// testLanguages are those of the example of RFC 6856 section 3.3, of which some
// really are spoken.
var testLanguages = []pop3.Language{
	{Tag: "es", Name: "Espa\u00f1ol", Translate: func(text string) string {
		return strings.NewReplacer("language changed", "Idioma cambiado", "language is not known", "Idioma desconocido").Replace(text)
	}},
	{Tag: "en", Name: "English"},
	{Tag: "en-boont", Name: "English Boontling dialect"},
	{Tag: "de-AT", Translate: func(text string) string {
		return strings.NewReplacer("language changed", "Gr\u00fc\u00df Gott", "maildrop has", "im Postfach:", "octets", "Oktette").Replace(text)
	}},
	{Tag: "xx", Name: "a translator that goes wrong", Translate: func(string) string { return "[a\r\n+OK \xff" }},
}

func TestLang(t *testing.T) {
	t.Parallel()
	for _, d := range transcript.Load(t, "testdata/utf8.txtar") {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.Languages = testLanguages })
			d.PlayClient(t, r.dial(t))
		})
	}
}

// What a language was chosen for before TLS is forgotten, as all else is.
func TestSTLSForgetsLanguage(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.TLSConfig, s.Languages = serverTLS, testLanguages }).probe(t)
	p.tls = clientTLS
	p.want(t, "LANG es", "+OK es Idioma cambiado")
	p.want(t, "STLS", "+OK begin TLS negotiation")
	p.want(t, "LANG x", "-ERR language is not known")
}

func TestLanguagesAreChecked(t *testing.T) {
	t.Parallel()
	for _, l := range []pop3.Language{{}, {Tag: "*"}, {Tag: "de_AT"}, {Tag: "de", Name: "a\r\nb"}, {Tag: "de", Name: "\xff"}} {
		s := &pop3.Server{Auth: nil, Store: newDropStore(), Languages: []pop3.Language{l}}
		require.Error(t, s.Serve(testnet.NewListener()))
		s.Auth = serverTest(t, nil).Auth
		require.ErrorContains(t, s.Serve(testnet.NewListener()), "Languages")
	}
}

// A message with a header in UTF-8 is for those who asked for it.
func TestUTF8Message(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6856-2.1-1", "rfc6856-2.1-2", "rfc6856-2.1-3", "rfc6856-2.1-4", "rfc6856-2.1-5")
	const message = "Subject: Gr\u00fc\u00dfe\r\n\r\nx\r\n"
	serverTLS, _ := testnet.Cert(t, "dewey")
	r := serverTest(t, func(s *pop3.Server, d *dropStore) {
		s.TLSConfig = serverTLS
		d.drops["mrose"] = []mail{{"ascii", mroseOne}, {"utf8", message}}
		d.unicode = map[string]bool{"utf8": true}
	})
	p := r.login(t)
	p.want(t, "LIST 2", "+OK 2 23")
	for _, command := range []string{"RETR 2", "TOP 2 0"} {
		p.want(t, command, "-ERR [UTF8] message needs the command UTF8 first")
	}
	p.want(t, "RETR 1", "+OK 120 octets")
	p.body(t)
	p.want(t, "UTF8", "+OK UTF-8 it is")
	p.want(t, "RETR 2", "+OK 23 octets")
	require.Equal(t, message, p.body(t))
	p.want(t, "DELE 2", "+OK message 2 deleted")
	p.want(t, "QUIT", "+OK POP3 server signing off (1 message left)")

	p = r.probe(t)
	p.want(t, "UTF8", "+OK UTF-8 it is")
	p.want(t, "STLS", "-ERR command not permitted after UTF8")
	p.want(t, "USER mrose", "+OK send the password")
	p.want(t, "PASS tanstaaf", "+OK maildrop has 1 message (120 octets)")
	p.want(t, "RETR 1", "+OK 120 octets")
	p.body(t)
}

package pop3wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		want pop3wire.Language
	}{
		{"en", pop3wire.Language{Tag: "en"}},
		{"en-boont English Boontling dialect", pop3wire.Language{Tag: "en-boont", Name: "English Boontling dialect"}},
		{"es Espa\u00f1ol", pop3wire.Language{Tag: "es", Name: "Espa\u00f1ol"}},
	} {
		got, err := pop3wire.ParseLanguage([]byte(tt.line))
		require.NoError(t, err, tt.line)
		require.Equal(t, tt.want, got)
		line, err := got.Append([]byte("before"))
		require.NoError(t, err)
		require.Equal(t, "before"+tt.line+"\r\n", string(line))
	}
	for _, line := range []string{"", " en", "*", "* any", "e_n", "en a\x00", "en \xff", "en \u009b2J"} {
		_, err := pop3wire.ParseLanguage([]byte(line))
		require.Error(t, err, "%q", line)
	}
	for _, l := range []pop3wire.Language{{}, {Tag: "*"}, {Tag: "en", Name: "a\r\nb"}, {Tag: "en", Name: strings.Repeat("x", 510)}} {
		line, err := l.Append([]byte("before"))
		require.Error(t, err)
		require.Equal(t, "before", string(line))
	}
}

func FuzzLanguage(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("en-boont English Boontling dialect"))
	f.Add([]byte("es Espa\u00f1ol"))
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := pop3wire.ParseLanguage(line)
		if err != nil {
			return
		}
		out, err := l.Append(nil)
		if err != nil { // too long
			return
		}
		again, err := pop3wire.ParseLanguage(out[:len(out)-2])
		if err != nil || l != again {
			t.Fatalf("%+v comes back as %+v, %v", l, again, err)
		}
	})
}

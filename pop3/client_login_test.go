package pop3_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// saslScript is a SASL mechanism that gives these responses. A nil initial is none.
type saslScript struct {
	name      string
	initial   []byte
	responses []string
}

func (s *saslScript) Client(context.Context, auth.ConnectionState, []string) (sasl.Client, error) {
	clone := *s
	return &clone, nil
}

func (s *saslScript) Start() (string, []byte, error) { return s.name, s.initial, nil }

func (s *saslScript) Next(challenge []byte) ([]byte, error) {
	if len(s.responses) == 0 {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	response := []byte(s.responses[0])
	s.responses = s.responses[1:]
	if string(response) == "echo" {
		return challenge, nil
	}
	return response, nil
}

// xoauth2 answers a challenge, which tells an error, by nothing.
var xoauth2 = &saslScript{name: "XOAUTH2", initial: []byte("user=test\x01auth=Bearer token\x01\x01"), responses: []string{""}}

// TestClientLoginOptions has the fields of ClientConfig that are about the login.
func TestClientLoginOptions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dialogue  string
		cfg       pop3.ClientConfig
		mechanism string
		utf8      bool
	}{
		{"apop with sasl", pop3.ClientConfig{InsecureAPOP: true, Auth: testUser}, "APOP", false},
		{"apop without a timestamp", pop3.ClientConfig{InsecureAPOP: true, Auth: testUser}, "PLAIN", false},
		{"apop with a crafted timestamp", pop3.ClientConfig{InsecureAPOP: true, Auth: testUser}, "PLAIN", false},
		{"utf8", pop3.ClientConfig{Auth: testUser}, "PLAIN", true},
		{"utf8 refused", pop3.ClientConfig{Auth: testUser}, "PLAIN", false},
		{"utf8 not wanted", pop3.ClientConfig{ASCIIOnly: true, Auth: testUser}, "PLAIN", false},
		{"utf8 user", pop3.ClientConfig{Auth: auth.InsecurePassword("jürgen", "geheim ß")}, "USER", true},
		{"xoauth2", pop3.ClientConfig{NoInitialResponse: true, Auth: xoauth2}, "XOAUTH2", false},
		{"prompts after ok", pop3.ClientConfig{Auth: testUser}, "LOGIN", false},
		{"a challenge after ok", pop3.ClientConfig{Auth: &saslScript{name: "TEST-ECHO", responses: []string{"echo"}}}, "TEST-ECHO", false},
	} {
		t.Run(tc.dialogue, func(t *testing.T) {
			t.Parallel()
			if tc.dialogue == "apop with a crafted timestamp" {
				rfc.Covers(t, "rfc2449-3-1")
			}
			tc.cfg.TLS = pop3.InsecureNoTLS
			c := mustDialDialogue(t, tc.dialogue, tc.cfg)
			require.Equal(t, tc.mechanism, c.ConnectionState().Identity.Mechanism)
			require.Equal(t, tc.utf8, c.UTF8())
		})
	}
}

func TestClientLoginOptionsFail(t *testing.T) {
	t.Parallel()
	apop := func(user, password string) pop3.ClientConfig {
		return pop3.ClientConfig{InsecureAPOP: true, Auth: auth.InsecurePassword(user, password)}
	}
	for _, tc := range []struct {
		name, dialogue string
		cfg            pop3.ClientConfig
		want           error // nil: any
	}{
		{"refused", "apop refused", apop("test", "test"), auth.ErrCredentials},
		{"UTF-8 name", "apop not sent", apop("jürgen", "test"), auth.ErrNoMechanism},
		{"UTF-8 secret", "apop not sent", apop("test", "geheim ß"), auth.ErrNoMechanism},
		{"blank in the name", "apop not sent", apop("te st", "test"), nil},
		{"line end in the name", "apop not sent", apop("test\r\nDELE 1", "test"), nil},
		{"NUL in the name", "apop not sent", apop("test\x00", "test"), nil},
		{"long name", "apop not sent", apop(string(make([]byte, 300)), "test"), nil},
		{"never in cleartext", "apop not sent", pop3.ClientConfig{InsecureAPOP: true, Auth: auth.Password("test", "test")}, auth.ErrCleartext},
		{"nothing to bind to", "apop not sent", pop3.ClientConfig{InsecureAPOP: true, Auth: auth.PasswordCredentials{
			User: "test", Password: "test", Binding: "tls-exporter", InsecureAllowCleartext: true,
		}}, auth.ErrNoMechanism},
		{"UTF-8 not taken", "utf8 without user", pop3.ClientConfig{Auth: auth.InsecurePassword("jürgen", "test")}, auth.ErrNoMechanism},
		{"UTF-8 not taken", "utf8 without user", pop3.ClientConfig{Auth: auth.InsecurePassword("test", "geheim ß")}, auth.ErrNoMechanism},
		{"nonsense", "utf8 nonsense", pop3.ClientConfig{Auth: testUser}, nil},
		{"token refused", "xoauth2 refused", pop3.ClientConfig{Auth: xoauth2}, auth.ErrCredentials},
		{"response too long", "response too long", pop3.ClientConfig{Auth: &saslScript{name: "TEST-LONG", responses: []string{strings.Repeat("x", 9300)}}}, nil},
		{"locked", "rfc2449 section 8", apop("mrose", "tanstaaf"), pop3.ErrInUse},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.dialogue == "utf8 without user" {
				rfc.Covers(t, "rfc6856-2.2-6")
			}
			tc.cfg.TLS = pop3.InsecureNoTLS
			_, err := dialDialogue(t, tc.dialogue, tc.cfg)
			require.Error(t, err)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
			}
		})
	}
}

// TestClientRFC1939Section10 is the RFC's example of a session.
func TestClientRFC1939Section10(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := mustDialDialogue(t, "rfc1939 section 10", pop3.ClientConfig{
		TLS: pop3.InsecureNoTLS, InsecureAPOP: true, Auth: auth.InsecurePassword("mrose", "tanstaaf"),
	})
	require.Equal(t, &auth.Identity{User: "mrose", Name: "mrose", Mechanism: "APOP"}, c.ConnectionState().Identity)
	stat, err := c.Stat(ctx)
	require.NoError(t, err)
	require.Equal(t, pop3.Stat{Count: 2, Octets: 320}, stat)
	list, err := c.List(ctx)
	require.NoError(t, err)
	for i, want := range []string{"Subject: one\r\n\r\n.leading dot\r\n", "Subject: two\r\n"} {
		require.Equal(t, want, readBody(t, c.Retr, list[i].Num))
		require.NoError(t, c.Dele(ctx, list[i].Num))
	}
	require.NoError(t, c.Quit(ctx))
}

func TestClientRFC1939Commands(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-3-17", "rfc1939-4-2", "rfc1939-5-2")
	ctx := t.Context()
	c := mustDialDialogue(t, "rfc1939 sections 4 to 7", withAuth(auth.InsecurePassword("mrose", "secret")))
	_, err := c.Stat(ctx)
	require.NoError(t, err)
	list, err := c.List(ctx)
	require.NoError(t, err)
	require.Equal(t, []pop3.Listing{{1, 120}, {2, 200}}, list)
	size, err := c.ListOne(ctx, 2)
	require.NoError(t, err)
	require.EqualValues(t, 200, size)
	_, err = c.ListOne(ctx, 3)
	require.EqualError(t, err, "pop3: no such message, only 2 messages in maildrop")
	require.NoError(t, c.Dele(ctx, 1))
	require.EqualError(t, c.Dele(ctx, 2), "pop3: message 2: message 2 already deleted")
	require.NoError(t, c.Noop(ctx))
	require.NoError(t, c.Rset(ctx))
	top, err := c.Top(ctx, 1, 10)
	require.NoError(t, err)
	text, err := io.ReadAll(top)
	require.NoError(t, err)
	require.Equal(t, "Subject: one\r\n\r\nten lines\r\n", string(text))
	_, err = c.Top(ctx, 100, 3)
	require.EqualError(t, err, "pop3: no such message")
	uids, err := c.UIDL(ctx)
	require.NoError(t, err)
	require.Equal(t, []pop3.UIDListing{{1, "whqtswO00WBw418f9t5JxYwZ"}, {2, "QhdPYR:00WBw1Ph7x7"}}, uids)
	uid, err := c.UIDLOne(ctx, 2)
	require.NoError(t, err)
	require.Equal(t, "QhdPYR:00WBw1Ph7x7", uid)
	_, err = c.UIDLOne(ctx, 3)
	require.EqualError(t, err, "pop3: no such message, only 2 messages in maildrop")
	require.NoError(t, c.Quit(ctx))
}

func TestClientRFC1939Refusals(t *testing.T) {
	t.Parallel()
	_, err := dialDialogue(t, "rfc1939 user refused", withAuth(auth.InsecurePassword("frated", "secret")))
	require.Equal(t, &pop3.Error{Text: "sorry, no mailbox for frated here"}, err)
	_, err = dialDialogue(t, "rfc1939 pass refused", withAuth(auth.InsecurePassword("mrose", "secret")))
	require.Equal(t, &pop3.Error{Text: "maildrop already locked"}, err)
}

// TestClientRFC2449 has what a server says before the login and after it.
func TestClientRFC2449(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2449-5-4", "rfc2449-6.9-1")
	c := mustDialDialogue(t, "rfc2449 section 5", withAuth(auth.InsecurePassword("mrose", "secret")))
	caps := c.Capabilities()
	delay, ok := caps.LoginDelay()
	require.True(t, ok)
	require.Equal(t, 900, delay.Seconds)
	require.False(t, delay.User, "it is this user's")
	expire, ok := caps.Expire()
	require.True(t, ok)
	require.True(t, expire.Never)
	entries, err := c.Index(t.Context())
	require.NoError(t, err)
	require.Equal(t, []pop3.Entry{{1, 120, "whqtswO00WBw418f9t5JxYwZ"}}, entries)
	require.NoError(t, c.Quit(t.Context()))
}

func TestClientRFC5034Examples(t *testing.T) {
	t.Parallel()
	plain := &saslScript{name: "PLAIN", initial: []byte("test\x00test\x00test")}
	digest := &saslScript{name: "DIGEST-MD5", responses: []string{
		`charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,` +
			`cnonce="OA6MHXh6VqTrRk",digest-uri="pop/elwood.innosoft.com",response=b0d56d2f054c24b62072322106468db9,qop=auth`, "",
	}}
	for dialogue, cfg := range map[string]pop3.ClientConfig{
		"rfc5034 section 6, under TLS":         {Auth: plain},
		"rfc5034 section 6, two lines":         {TLS: pop3.ImplicitTLS, Auth: plain, NoInitialResponse: true},
		"rfc5034 section 6, a challenge first": {TLS: pop3.InsecureNoTLS, Auth: digest},
	} {
		c := mustDialDialogue(t, dialogue, cfg)
		require.NoError(t, c.Quit(t.Context()), dialogue)
	}
}

// TestClientUTF8AfterSTLS: UTF8 comes when TLS is there, and never before.
func TestClientUTF8AfterSTLS(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6856-2.1-5")
	c := mustDialDialogue(t, "utf8 after stls", pop3.ClientConfig{Auth: auth.Password("test", "test")})
	require.True(t, c.UTF8())
}

func TestClientRFC6856(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := mustDialDialogue(t, "rfc6856 section 3.3", withAuth(auth.InsecurePassword("karen", "password")))
	require.True(t, c.UTF8())
	_, err := c.Lang(ctx, "MUL")
	require.EqualError(t, err, "pop3: invalid language MUL")
	languages, err := c.Languages(ctx)
	require.NoError(t, err)
	require.Len(t, languages, 6)
	require.Equal(t, "en-boont", languages[1].Tag)
	require.Equal(t, "Español", languages[4].Name)
	_, err = c.Languages(ctx)
	require.EqualError(t, err, "pop3: Server is unable to list languages")
	for _, ask := range []struct{ languageRange, want string }{{"es", "es"}, {"uga", ""}, {"sv", "sv"}, {"*", "es"}} {
		tag, err := c.Lang(ctx, ask.languageRange)
		if ask.want == "" {
			require.EqualError(t, err, "pop3: es Idioma «UGA» no es conocido")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, ask.want, tag)
	}
	for _, bad := range []string{"", "de\r\nDELE 1", "de en", "de\x00", "de-", "d\u00e9"} {
		_, err := c.Lang(ctx, bad)
		require.Error(t, err)
	}
	_, err = c.Retr(ctx, 1)
	require.ErrorIs(t, err, &pop3.Error{Code: pop3.CodeUTF8})
	require.NoError(t, c.Quit(ctx))
}

// TestErrorKinds: what the response codes say, in any case and with details.
func TestErrorKinds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code      string
		is        error
		temporary bool
	}{
		{"IN-USE", pop3.ErrInUse, true},
		{"IN-USE/other", &pop3.Error{Code: pop3.CodeInUse}, true},
		{"LOGIN-DELAY", &pop3.Error{Code: pop3.CodeLoginDelay}, true},
		{"AUTH", auth.ErrCredentials, false},
		{"SYS/TEMP", &pop3.Error{Code: pop3.CodeSysTemp}, true},
		{"SYS/TEMP/disk", &pop3.Error{Code: "SYS"}, true},
		{"sys/perm", &pop3.Error{Code: pop3.CodeSysPerm}, false},
		{"UTF8", &pop3.Error{Code: pop3.CodeUTF8}, false},
		{"SYS", &pop3.Error{Code: "SYS"}, false},
		{"SYS/TEMPORAL", &pop3.Error{Code: "SYS"}, false},
	} {
		c := clientOf(t, pop3.ClientConfig{}, "-ERR ["+tc.code+"] no\r\n")
		err := c.Noop(t.Context())
		require.ErrorIs(t, err, tc.is, tc.code)
		var refusal *pop3.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, tc.temporary, refusal.Temporary(), tc.code)
	}
	require.False(t, (&pop3.Error{Text: "maildrop already locked"}).Temporary())
}

// token is credentials for XOAUTH2 as user.
func token(token string) auth.Credentials {
	return &saslScript{name: "XOAUTH2", initial: []byte("user=user\x01auth=Bearer " + token + "\x01\x01"), responses: []string{""}}
}

// TestClientLoginsOfQuirkyServers logs in by PLAIN and XOAUTH2 where an initial
// response is refused, or "+OK" stands for "+".
func TestClientLoginsOfQuirkyServers(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]pop3test.Quirks{"": {}, "TwoLineAuth": {TwoLineAuth: true}, "both": {TwoLineAuth: true, OKForChallenge: true}} {
		s := pop3test.NewUnstartedServer(t)
		s.Memory, s.Quirks = true, &q
		s.Start()
		cfg := s.ClientConfig("user")
		cfg.NoInitialResponse = q.TwoLineAuth
		for _, credentials := range []auth.Credentials{cfg.Auth, token(pop3test.DefaultPassword)} {
			cfg.Auth = credentials
			c, err := pop3.Dial(t.Context(), s.Addr, cfg)
			require.NoError(t, err, name)
			require.NoError(t, c.Quit(t.Context()))
		}
		for _, credentials := range []auth.Credentials{auth.Password("user", "wrong"), token("wrong")} {
			cfg.Auth = credentials
			_, err := pop3.Dial(t.Context(), s.Addr, cfg)
			require.ErrorIs(t, err, auth.ErrCredentials, name)
		}
		if q.TwoLineAuth {
			_, err := pop3.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
			require.Error(t, err, "in one line")
		}
	}
}

// TestClientLoginErrors: an error of the credentials says whose it is, and which mechanisms the
// server has, though it takes USER and PASS too.
func TestClientLoginErrors(t *testing.T) {
	t.Parallel()
	s := pop3test.NewMemoryServer(t)
	cfg := s.ClientConfig("user")
	cfg.Auth = &auth.PasswordCredentials{User: "user", Password: "secret", Mechanisms: []string{"SCRAM-SHA-256"}}
	_, err := pop3.Dial(t.Context(), s.Addr, cfg)
	require.ErrorIs(t, err, auth.ErrNoMechanism)
	require.EqualError(t, err, `pop3: login: auth: no mechanism in common: offered ["PLAIN" "LOGIN"]`)

	cfg = s.ClientConfig("user")
	cfg.TLS = pop3.InsecureNoTLS
	_, err = pop3.Dial(t.Context(), s.Addr, cfg)
	require.ErrorIs(t, err, auth.ErrCleartext)
	require.EqualError(t, err, "pop3: login: auth: refused without TLS")
}

package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

var (
	cleartext = ConnectionState{ID: "c1", Protocol: SMTP}
	secure    = ConnectionState{ID: "c2", Protocol: SMTP, TLS: &tls.ConnectionState{HandshakeComplete: true}}
	known     = ConnectionState{ID: "c3", Protocol: SMTP, TLS: &tls.ConnectionState{}, Identity: &Identity{User: "tim"}}
)

var errOutage = errors.New("the database is away, its password is secret-dsn")

// table is what the tests' servers verify with.
var table = PasswordFunc(func(ctx context.Context, user, password string) error {
	switch user {
	case "outage":
		return errOutage
	case "any", "": // lets everybody in, to show what is refused before
		return nil
	}
	return Passwords{"tim": "tanstaaftanstaaf", "IX": "pass word", long("u"): long("p")}.VerifyPassword(ctx, user, password)
})

// long is a text of 255 octets.
func long(s string) string { return strings.Repeat(s, 255) }

// observed collects events.
type observed []Event

func (o *observed) add(_ context.Context, e Event) { *o = append(*o, e) }

func TestMechanismsOfferedOnlyWhereSafe(t *testing.T) {
	t.Parallel()
	both := []string{"PLAIN", "LOGIN"}
	for _, row := range []struct {
		name   string
		server *Server
		state  ConnectionState
		want   []string
		err    error
		covers []string
	}{
		{"nil server", nil, secure, nil, ErrMechanism, nil},
		{"zero server", new(Server), secure, nil, ErrMechanism, nil},
		{"TLS", &Server{Passwords: table}, secure, both, nil, nil},
		{"cleartext", &Server{Passwords: table}, cleartext, nil, ErrCleartext, []string{"rfc4954-4-26", "rfc4954-6-7", "rfc4954-9-3", "rfc5034-4-22", "rfc5034-4-23"}},
		{"cleartext allowed", &Server{Passwords: table, InsecureAllowCleartext: true}, cleartext, both, nil, []string{"rfc2595-2.2-2"}},
		{"nothing to verify with in cleartext", &Server{InsecureAllowCleartext: true}, cleartext, nil, ErrMechanism, nil},
		{"already authenticated", &Server{Passwords: table}, known, nil, ErrAuthenticated, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.covers != nil {
				rfc.Covers(t, row.covers...)
			}
			require.Equal(t, row.want, row.server.Mechanisms(row.state))
			for _, mechanism := range []string{"PLAIN", "plain", "LOGIN"} {
				_, err := row.server.Start(t.Context(), row.state, mechanism)
				require.ErrorIs(t, err, row.err)
			}
			_, err := row.server.Start(t.Context(), row.state, "CRAM-MD5")
			require.ErrorIs(t, err, ErrMechanism)
			id, err := row.server.Password(t.Context(), row.state, "tim", "tanstaaftanstaaf")
			require.ErrorIs(t, err, row.err)
			require.Equal(t, row.err == nil, id != nil)
		})
	}
}

func TestPlainNeedsTLS(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4616-1-1", "rfc4616-5-1", "rfc4422-6.1.2-1")
	s := &Server{Passwords: table}
	require.NotContains(t, s.Mechanisms(cleartext), "PLAIN")
	_, err := s.Start(t.Context(), cleartext, "PLAIN")
	require.Equal(t, ErrCleartext, err)
	_, err = s.Start(t.Context(), secure, "PLAIN")
	require.NoError(t, err)
}

func TestStartFoldsASCIIOnly(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4954-8-1", "rfc5034-5-1")
	s := &Server{Passwords: table}
	for _, name := range []string{"PLAIN", "plain", "pLaIn", "login"} {
		_, err := s.Start(t.Context(), secure, name)
		require.NoError(t, err, name)
	}
	for _, name := range []string{"pla\u0131n", "PLA\u0130N", "PLAIN ", "", "PLAIN\x00", "P\u212aAIN"} {
		_, err := s.Start(t.Context(), secure, name)
		require.ErrorIs(t, err, ErrMechanism, "%q", name)
	}
}

// claims are shown by each of the ways that can carry them: PLAIN, LOGIN, and
// USER with PASS.
var claims = []struct {
	name                string
	authzid, user, pass string
	want                string // the name let in; empty if none is
	refused, malformed  bool
	err                 error
	eventUser           string
	covers              []string // by PLAIN
}{
	{name: "right", user: "tim", pass: "tanstaaftanstaaf", want: "tim"},
	{name: "authzid is the user", authzid: "tim", user: "tim", pass: "tanstaaftanstaaf", want: "tim"},
	{name: "user prepared", user: "I\u00adX", pass: "pass word", want: "IX", covers: []string{"rfc4954-4-17", "rfc5034-4-15"}},
	{name: "password prepared", user: "IX", pass: "pass\u00a0word", want: "IX", covers: []string{"rfc4616-2-7"}},
	{name: "authzid prepared", authzid: "\u2168", user: "IX", pass: "pass word", want: "IX"},
	{name: "wrong password", user: "tim", pass: "tanstaaf", refused: true, eventUser: "tim"},
	{name: "unknown user", user: "tom", pass: "tanstaaftanstaaf", refused: true, eventUser: "tom"},
	{name: "authzid of another", authzid: "Ursel", user: "tim", pass: "tanstaaftanstaaf", refused: true, eventUser: "tim"},
	{name: "authzid that cannot be prepared", authzid: "\u0627" + "1", user: "tim", pass: "tanstaaftanstaaf", refused: true, eventUser: "tim", covers: []string{"rfc4954-4-18", "rfc5034-4-16"}},
	{name: "authzid prepared to nothing", authzid: "\u00ad", user: "tim", pass: "tanstaaftanstaaf", refused: true, eventUser: "tim", covers: []string{"rfc4954-4-18", "rfc5034-4-16"}},
	{name: "user prepared to nothing", user: "\u00ad", pass: "x", refused: true, eventUser: "\u00ad"},
	{name: "password prepared to nothing", user: "any", pass: "\u00ad", refused: true, eventUser: "any", covers: []string{"rfc4616-2-9"}},
	{name: "password with a control character", user: "any", pass: "tanstaaf\a", refused: true, eventUser: "any", covers: []string{"rfc4616-2-9"}},
	{name: "user that grows by preparation", user: strings.Repeat("\ufdfa", 80), pass: "x", refused: true, eventUser: strings.Repeat("\ufdfa", 80)},
	{name: "password that grows by preparation", user: "any", pass: strings.Repeat("\ufdfa", 80), refused: true, eventUser: "any"},
	{name: "outage", user: "outage", pass: "x", err: errOutage, eventUser: "outage"},
	{name: "empty user", user: "", pass: "x", malformed: true},
	{name: "empty password", user: "tim", pass: "", malformed: true},
	{name: "NUL in the password", user: "tim", pass: "tanstaaf\x00tanstaaf", malformed: true},
	{name: "password not UTF-8", user: "tim", pass: "tanstaaf\xff", malformed: true},
	{name: "user not UTF-8", user: "t\xc0\x80m", pass: "x", malformed: true},
	{name: "255 octets of each", authzid: long("u"), user: long("u"), pass: long("p"), want: long("u"), covers: []string{"rfc4616-2-6"}},
	{name: "user of 255 octets", user: long("u"), pass: "x", refused: true, eventUser: long("u"), covers: []string{"rfc4616-2-1"}},
	{name: "authzid of 255 octets", authzid: long("z"), user: "tim", pass: "tanstaaftanstaaf", refused: true, eventUser: "tim", covers: []string{"rfc4616-2-2"}},
	{name: "password of 255 octets", user: "tim", pass: long("p"), refused: true, eventUser: "tim", covers: []string{"rfc4616-2-3"}},
	{name: "user of 256 octets", user: long("u") + "u", pass: "x", malformed: true},
	{name: "password of 256 octets", user: "tim", pass: long("p") + "p", malformed: true},
	{name: "authzid of 256 octets", authzid: long("z") + "z", user: "tim", pass: "x", malformed: true},
}

// USER and PASS are prepared as SASL has it.
func TestPasswordIsPrepared(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6856-2.2-1")
	id, err := (&Server{Passwords: table}).Password(t.Context(), secure, "I\u00adX", "pass\u00a0word")
	require.NoError(t, err)
	require.Equal(t, "IX", id.Name)
	_, err = (&Server{Passwords: table}).Password(t.Context(), secure, "\ue000", "x")
	require.ErrorIs(t, err, ErrCredentials)
}

func TestClaims(t *testing.T) {
	t.Parallel()
	ways := map[string]func(context.Context, *Server, string, string, string) (*Identity, error){
		"PLAIN": func(ctx context.Context, s *Server, authzid, user, pass string) (*Identity, error) {
			return converse(ctx, s, "PLAIN", authzid+"\x00"+user+"\x00"+pass)
		},
		"LOGIN": func(ctx context.Context, s *Server, _, user, pass string) (*Identity, error) {
			return converse(ctx, s, "LOGIN", user, pass)
		},
		"USER": func(ctx context.Context, s *Server, _, user, pass string) (*Identity, error) {
			return s.Password(ctx, secure, user, pass)
		},
	}
	for way, show := range ways {
		for _, row := range claims {
			if row.authzid != "" && way != "PLAIN" {
				continue
			}
			t.Run(way+"/"+row.name, func(t *testing.T) {
				t.Parallel()
				if row.covers != nil && way == "PLAIN" {
					rfc.Covers(t, row.covers...)
				}
				var events observed
				s := &Server{Passwords: table, Observe: events.add}
				id, err := show(t.Context(), s, row.authzid, row.user, row.pass)

				bad := (*MalformedError)(nil)
				isMalformed := row.malformed && way != "USER"
				require.Equal(t, isMalformed, errors.As(err, &bad), "malformed: %v", err)
				require.Equal(t, row.refused || row.malformed && way == "USER", errors.Is(err, ErrCredentials), "refused: %v", err)
				if row.err != nil {
					require.ErrorIs(t, err, row.err)
				}
				var want *Identity
				eventUser := row.eventUser
				if row.want != "" {
					want, eventUser = &Identity{User: row.want, Name: row.want, Mechanism: way}, row.want
				}
				require.Equal(t, want, id)
				require.Equal(t, want == nil, err != nil)

				require.Len(t, events, 1)
				require.Equal(t, Event{State: secure, Mechanism: way, User: eventUser, Identity: want, Err: err}, events[0])
				if len(row.pass) > 2 {
					require.NotContains(t, fmt.Sprintf("%+v", events[0]), row.pass)
				}
			})
		}
	}
}

// converse runs an exchange with the given responses, the first of them an
// initial response.
func converse(ctx context.Context, s *Server, mechanism string, responses ...string) (*Identity, error) {
	x, err := s.Start(ctx, secure, mechanism)
	if err != nil {
		return nil, err
	}
	for i, r := range responses {
		_, done, err := x.Next(ctx, []byte(r))
		if err != nil {
			return x.Identity(), err
		}
		if done != (i == len(responses)-1) {
			return nil, errors.New("done at the wrong response")
		}
	}
	return x.Identity(), nil
}

func TestExchangeFlow(t *testing.T) {
	t.Parallel()
	const plain = "\x00tim\x00tanstaaftanstaaf"
	none := "-" // no response given yet
	for _, row := range []struct {
		name, mechanism string
		responses       []string
		challenges      []string // the last one missing if the exchange ends well
		malformed       bool
	}{
		{"PLAIN at once", "PLAIN", []string{plain}, nil, false},
		{"PLAIN asked for", "PLAIN", []string{none, plain}, []string{""}, false},
		{"PLAIN empty initial response", "PLAIN", []string{""}, nil, true},
		{"PLAIN nothing twice", "PLAIN", []string{none, none}, []string{""}, true},
		{"PLAIN no NUL", "PLAIN", []string{"tim"}, nil, true},
		{"PLAIN one NUL", "PLAIN", []string{"tim\x00tanstaaftanstaaf"}, nil, true},
		{"PLAIN three NULs", "PLAIN", []string{plain + "\x00"}, nil, true},
		{"PLAIN too long", "PLAIN", []string{plain + strings.Repeat("p", 800)}, nil, true},
		{"LOGIN prompts", "LOGIN", []string{none, "tim", "tanstaaftanstaaf"}, []string{"Username:", "Password:"}, false},
		{"LOGIN with the name at once", "LOGIN", []string{"tim", "tanstaaftanstaaf"}, []string{"Password:"}, false},
		{"LOGIN empty name at once", "LOGIN", []string{""}, nil, true},
		{"LOGIN empty name", "LOGIN", []string{none, ""}, []string{"Username:"}, true},
		{"LOGIN nothing twice", "LOGIN", []string{none, none}, []string{"Username:"}, true},
		{"LOGIN empty password", "LOGIN", []string{"tim", ""}, []string{"Password:"}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var events observed
			if row.name == "PLAIN asked for" {
				rfc.Covers(t, "rfc4422-5-3", "rfc4954-4-7", "rfc5034-4-5")
			}
			s := &Server{Passwords: table, Observe: events.add}
			x, err := s.Start(t.Context(), secure, row.mechanism)
			require.NoError(t, err)
			require.Equal(t, row.mechanism, x.Mechanism())
			for i, r := range row.responses {
				response := []byte(r)
				if r == none {
					response = nil
				}
				challenge, done, err := x.Next(t.Context(), response)
				if i < len(row.challenges) {
					require.NoError(t, err)
					require.False(t, done)
					require.NotNil(t, challenge)
					require.Equal(t, row.challenges[i], string(challenge))
					require.Nil(t, x.Identity())
					require.Empty(t, events)
					continue
				}
				if row.malformed {
					bad := (*MalformedError)(nil)
					require.ErrorAs(t, err, &bad)
					require.False(t, done)
					require.Nil(t, x.Identity())
				} else {
					require.NoError(t, err)
					require.True(t, done)
					require.Equal(t, &Identity{User: "tim", Name: "tim", Mechanism: row.mechanism}, x.Identity())
				}
			}
			require.Len(t, events, 1)

			// What is over stays over, and says nothing more to the observer.
			_, done, err := x.Next(t.Context(), []byte(plain))
			require.Error(t, err)
			require.False(t, done)
			require.Len(t, events, 1)
		})
	}
}

func TestVerifierGetsTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &Server{Passwords: PasswordFunc(func(ctx context.Context, _, _ string) error { return ctx.Err() })}
	_, err := converse(ctx, s, "PLAIN", "\x00tim\x00x")
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, ErrCredentials)
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4616-2-8")
	p := Passwords{"tim": "right", "none": "", "wide": "\u00aa", "bad": "\a"}
	for _, row := range []struct {
		user, password string
		ok             bool
	}{
		{"tim", "right", true},
		{"tim", "Right", false},
		{"tim", "", false},
		{"TIM", "right", false},
		{"tom", "right", false},
		{"none", "", false},
		{"none", "x", false},
		{"wide", "a", true}, // the stored password is prepared too
		{"bad", "\a", false},
		{"bad", "", false},
	} {
		err := p.VerifyPassword(t.Context(), row.user, row.password)
		require.Equal(t, row.ok, err == nil, "%q %q", row.user, row.password)
		if !row.ok {
			require.Equal(t, ErrCredentials, err)
		}
	}
	require.Equal(t, ErrCredentials, Passwords(nil).VerifyPassword(t.Context(), "tim", "right"))
}

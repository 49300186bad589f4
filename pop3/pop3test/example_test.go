package pop3test_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// checkMail is what a test might be about.
func checkMail(ctx context.Context, addr string, cfg *pop3.ClientConfig) (subjects []string, err error) {
	c, err := pop3.Dial(ctx, addr, cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stat, err := c.Stat(ctx)
	if err != nil {
		return nil, err
	}
	for n := range stat.Count {
		body, err := c.Top(ctx, n+1, 0)
		if err != nil {
			return subjects, err
		}
		header, err := io.ReadAll(body)
		if err != nil {
			return subjects, err
		}
		subjects = append(subjects, string(header))
	}
	return subjects, c.Quit(ctx)
}

// A test of a program that reads mail, with a server that works and one that
// falls silent.
func ExampleServer() {
	var t *testing.T // as a test function is given it

	s := pop3test.NewServer(t)
	s.SetMessages("alice", [][]byte{[]byte("Subject: lunch\r\n\r\nAt noon?\r\n")})
	subjects, err := checkMail(t.Context(), s.Addr, s.ClientConfig("alice"))
	if err != nil || len(subjects) != 1 {
		t.Errorf("checkMail: %q, %v", subjects, err)
	}

	s.StallAfter(1000)
	if _, err := checkMail(t.Context(), s.Addr, s.ClientConfig("alice")); err == nil {
		t.Error("checkMail does not notice that the server is silent")
	}
}

// The suite for a store of one's own; here for the one of this package.
func ExampleTestStore() {
	var t *testing.T // as a test function is given it

	pop3test.TestStore(t, func(*testing.T) pop3test.Fixture {
		store := new(pop3test.Store)
		return pop3test.Fixture{
			Store:   store,
			User:    &auth.Identity{User: "alice", Name: "alice"},
			Deliver: func(message []byte) error { store.Deliver("alice", message); return nil },
		}
	})
}

// TestExample does what ExampleServer shows.
func TestExample(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := pop3test.NewMemoryServer(t)
		s.SetMessages("alice", [][]byte{[]byte("Subject: lunch\r\n\r\nAt noon?\r\n")})
		subjects, err := checkMail(t.Context(), s.Addr, s.ClientConfig("alice"))
		require.NoError(t, err)
		require.Equal(t, []string{"Subject: lunch\r\n\r\n"}, subjects)

		s.StallAfter(1000)
		start := time.Now()
		_, err = checkMail(t.Context(), s.Addr, s.ClientConfig("alice"))
		require.Error(t, err)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

// A test with a server like some that are out there: it refuses commands that come
// together, its STAT overflows, and what it lists is not all there is.
func ExampleQuirks() {
	var t *testing.T // as a test function is given it

	s := pop3test.NewUnstartedServer(t)
	s.Quirks = &pop3test.Quirks{Pipelining: pop3test.RefusesGroups, NegativeStat: true, AtMost: 100}
	s.Start()
	s.SetMessages("alice", [][]byte{[]byte("Subject: lunch\r\n\r\nAt noon?\r\n")})
	subjects, err := checkMail(t.Context(), s.Addr, s.ClientConfig("alice"))
	if err != nil || len(subjects) != 1 {
		t.Errorf("checkMail: %q, %v\n%s", subjects, err, s.Transcript())
	}
}

// A test with a dialogue to the letter.
func ExampleScript() {
	var t *testing.T // as a test function is given it

	s := pop3test.NewScript(t, `
S: +OK ready
C: CAPA
S: -ERR unknown command
C: USER alice
S: +OK
C: PASS secret
S: -ERR [IN-USE] another session has the maildrop
-- drop
`)
	cfg := s.ClientConfig()
	cfg.TLS, cfg.Auth = pop3.InsecureNoTLS, auth.InsecurePassword("alice", "secret")
	if _, err := checkMail(t.Context(), "pop.example.org", cfg); !errors.Is(err, pop3.ErrInUse) {
		t.Errorf("checkMail: %v", err)
	}
}

// A server of the test's own, without a network.
func ExampleNewListener() {
	var t *testing.T // as a test function is given it

	serverTLS, clientTLS := pop3test.NewTLS(t, pop3test.CertGood, "pop.example.org")
	ln := pop3test.NewListener("pop.example.org:110")
	srv := &pop3.Server{TLSConfig: serverTLS, Store: new(pop3test.Store), Auth: &auth.Server{Passwords: auth.Passwords{"alice": "secret"}}}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()

	cfg := &pop3.ClientConfig{Dialer: ln, TLSConfig: clientTLS, Auth: auth.Password("alice", "secret")}
	c, err := pop3.Dial(t.Context(), "pop.example.org", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
}

package pop3test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// quirky starts a server with three messages.
func quirky(t *testing.T, q Quirks, change func(*Server)) *Server {
	t.Helper()
	s := NewUnstartedServer(t)
	s.Memory, s.Quirks = true, &q
	if change != nil {
		change(s)
	}
	s.Start()
	s.SetMessages("user", texts)
	return s
}

var texts = [][]byte{[]byte("Subject: one\r\n\r\nHello.\r\n"), []byte(".two\r\n\r\n.\r\nthree lines\r\n.\r\n"), []byte("three\r\n")}

// fetch fetches all messages that the server lists, and deletes them if it is to.
func fetch(ctx context.Context, c *pop3.Client, remove bool) (got []string, err error) {
	list, err := c.Index(ctx)
	if err != nil {
		return nil, err
	}
	var nums []int
	for _, entry := range list {
		nums = append(nums, entry.Num)
	}
	for m, err := range c.Fetch(ctx, nums) {
		if err != nil {
			return got, err
		}
		text, err := io.ReadAll(m)
		if err != nil {
			return got, err
		}
		got = append(got, string(text))
	}
	if remove {
		if err := c.Dele(ctx, nums...); err != nil {
			return got, err
		}
	}
	return got, c.Quit(ctx)
}

// TestQuirksAreSurvived has each of the harmless oddities: our client does all its
// work.
func TestQuirksAreSurvived(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]Quirks{
		"none":              {},
		"NegativeStat":      {NegativeStat: true},
		"NoStatSize":        {NoStatSize: true},
		"Words":             {Words: "octets, more or less"},
		"Blanks":            {Blanks: 3},
		"LongUIDs":          {LongUIDs: true},
		"SameUID":           {SameUID: true},
		"OKForChallenge":    {OKForChallenge: true},
		"LateCapabilities":  {LateCapabilities: true},
		"NoCapa":            {NoCapa: true},
		"NoUIDL":            {NoUIDL: true},
		"NoTop":             {NoTop: true},
		"SizeError":         {SizeError: -3},
		"SizeError, upward": {SizeError: 1000},
		"CountError":        {CountError: 5},
		"RefusesGroups":     {Pipelining: RefusesGroups},
		"all":               {NegativeStat: true, Words: "words", Blanks: 3, LongUIDs: true, OKForChallenge: true, LateCapabilities: true, SizeError: 7, Pipelining: RefusesGroups},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := quirky(t, q, func(s *Server) { s.ImplicitTLS = true }) // there is no STLS without CAPA
			c := s.Client("user")
			stat, err := c.Stat(t.Context())
			require.NoError(t, err)
			require.Equal(t, 3+q.CountError, stat.Count)
			require.Equal(t, q.NegativeStat || q.NoStatSize, stat.Octets == -1)
			list, err := c.List(t.Context())
			require.NoError(t, err)
			require.Len(t, list, 3)
			require.EqualValues(t, int64(len(texts[0]))+q.SizeError, list[0].Size)
			uids, err := c.UIDL(t.Context())
			require.Equal(t, q.NoUIDL, err != nil)
			require.Equal(t, q.LongUIDs, err == nil && len(uids[0].UID) == 80)
			require.Equal(t, q.SameUID, err == nil && uids[0].UID == uids[1].UID)
			top, err := c.Top(t.Context(), 2, 1)
			require.Equal(t, q.NoTop, err != nil)
			if err == nil {
				text, err := io.ReadAll(top)
				require.NoError(t, err)
				require.Equal(t, ".two\r\n\r\n.\r\n", string(text))
			}
			require.NoError(t, c.Rset(t.Context()))
			require.NoError(t, c.Noop(t.Context()))
			got, err := fetch(t.Context(), c, true)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("%q", texts), fmt.Sprintf("%q", got))
			require.Equal(t, q.Pipelining == Pipelines && !q.NoCapa, c.Pipelining(), "in the end")
			require.Empty(t, s.Messages("user"))
		})
	}
}

// TestQuirksBreakPipelining: a client finds out, and does better one by one.
func TestQuirksBreakPipelining(t *testing.T) {
	t.Parallel()
	for _, how := range []Pipelining{AnswersFirst, CutsGroups, AnswersTogether} {
		synctest.Test(t, func(t *testing.T) {
			s := quirky(t, Quirks{Pipelining: how}, nil)
			_, err := fetch(t.Context(), s.Client("user"), true)
			require.ErrorAs(t, err, new(*pop3.PipelineError), "%d", how)
			require.Len(t, s.Messages("user"), 3)

			cfg := s.ClientConfig("user")
			cfg.Window = 1
			c := dialAgain(t, s, cfg)
			got, err := fetch(t.Context(), c, true)
			require.NoError(t, err)
			require.Len(t, got, 3)
			require.Empty(t, s.Messages("user"))
		})
	}
}

// dialAgain connects in a bubble. The server may have yet to find the client gone
// that was there before.
func dialAgain(t *testing.T, s *Server, cfg *pop3.ClientConfig) *pop3.Client {
	t.Helper()
	c, err := pop3.Dial(t.Context(), s.Addr, cfg)
	for ; errors.Is(err, pop3.ErrInUse); c, err = pop3.Dial(t.Context(), s.Addr, cfg) {
		time.Sleep(time.Second)
	}
	require.NoError(t, err)
	return c
}

func TestQuirkMissingCRLF(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := quirky(t, Quirks{MissingCRLF: true, SizeError: -2}, nil)
		_, err := fetch(t.Context(), s.Client("user"), false)
		require.Error(t, err, "the client waits for the end, which does not come")
		cfg := s.ClientConfig("user")
		cfg.MissingCRLF = true
		got, err := fetch(t.Context(), dialAgain(t, s, cfg), true)
		require.NoError(t, err)
		require.Equal(t, []string{"Subject: one\r\n\r\nHello.", ".two\r\n\r\n.\r\nthree lines\r\n.", "three"}, got)
	})
}

// TestQuirksOfPortions gives messages out in portions.
func TestQuirksOfPortions(t *testing.T) {
	t.Parallel()
	s := quirky(t, Quirks{AtMost: 2}, nil)
	for _, want := range []int{2, 1, 0} {
		got, err := fetch(t.Context(), s.Client("user"), true)
		require.NoError(t, err)
		require.Len(t, got, want)
	}
	s = quirky(t, Quirks{HideFetched: true}, nil)
	for _, want := range []int{3, 0} {
		got, err := fetch(t.Context(), s.Client("user"), false)
		require.NoError(t, err)
		require.Len(t, got, want)
	}
	require.Len(t, s.Messages("user"), 3)
}

// TestQuirkyServerIsAServer: what is not odd is as with any other.
func TestQuirkyServerIsAServer(t *testing.T) {
	t.Parallel()
	s := quirky(t, Quirks{}, func(s *Server) { s.Memory = false })
	c := s.Client("user")
	_, err := pop3.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
	require.ErrorIs(t, err, pop3.ErrInUse)
	_, err = c.Retr(t.Context(), 4)
	require.ErrorContains(t, err, "no such message")
	require.NoError(t, c.Dele(t.Context(), 2))
	_, err = c.ListOne(t.Context(), 2)
	require.Error(t, err)
	s.Close()
	require.Error(t, c.Noop(t.Context()))
	require.Len(t, s.Messages("user"), 3)
	said := s.Transcript()
	require.True(t, strings.HasPrefix(said, "S: +OK pop3.test ready\nC: CAPA\nS: +OK capabilities follow\n"), said)
	require.Contains(t, said, "C: AUTH PLAIN ****\n")
	require.NotContains(t, said, DefaultPassword)
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	s := NewMemoryServer(t)
	s.SetMessages("user", texts)
	_, err := fetch(t.Context(), s.Client("user"), false)
	require.NoError(t, err)
	s.Close()
	require.Contains(t, s.Transcript(), "C: RETR 1\n")
	require.NotContains(t, s.Transcript(), "Hello")
}

func TestServerDrips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewMemoryServer(t)
		s.DripAfter(4, time.Second)
		start := time.Now()
		_, err := pop3.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
		require.Error(t, err, "a line does not come within the timeout")
		require.Equal(t, clientTimeout, time.Since(start))
		start = time.Now()
		s.Close()
		require.Zero(t, time.Since(start), "it is not waited for the rest")
	})
	synctest.Test(t, func(t *testing.T) {
		s := NewUnstartedServer(t)
		s.Memory, s.Quirks = true, &Quirks{}
		s.Start()
		s.DripAfter(0, time.Millisecond)
		require.NoError(t, s.Client("user").Quit(t.Context()))
	})
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	for kind := CertGood; kind <= CertUntrusted; kind++ {
		for _, implicit := range []bool{false, true} {
			s := NewUnstartedServer(t)
			s.Memory, s.ImplicitTLS = true, implicit
			s.Start()
			s.ShowCertificate(kind)
			c, err := pop3.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
			require.Equal(t, kind == CertGood, err == nil, "kind %d: %v", kind, err)
			if err == nil {
				require.NoError(t, c.Quit(t.Context()))
			}
			s.ShowCertificate(CertGood)
			require.NoError(t, s.Client("user").Quit(t.Context()))
		}
	}
}

// TestListener serves a test's own server, with its own certificate, in a bubble.
func TestListener(t *testing.T) {
	t.Parallel()
	server, client := NewTLS(t, CertGood, "mail.example.test")
	synctest.Test(t, func(t *testing.T) {
		ln := NewListener("mail.example.test:110")
		srv := &pop3.Server{TLSConfig: server, Auth: &auth.Server{Passwords: auth.Passwords{"user": "secret"}}, Store: new(Store)}
		done := make(chan error)
		go func() { done <- srv.Serve(ln) }()
		c, err := pop3.Dial(t.Context(), "mail.example.test", &pop3.ClientConfig{TLSConfig: client, Auth: auth.Password("user", "secret"), Dialer: ln})
		require.NoError(t, err)
		require.NoError(t, c.Quit(t.Context()))
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-done, pop3.ErrServerClosed)
	})
}

func TestScript(t *testing.T) {
	t.Parallel()
	const dialogue = "Refused.\n\nS: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: +OK\n-- tls\nC: CAPA\nS: -ERR\nC: NOOP\ns: -ERR [SYS/TEMP] no\\r\\n\nC: QUIT\nS: +OK\n-- close\n"
	s := NewScript(t, dialogue, dialogue)
	for range 2 {
		c, err := pop3.Dial(t.Context(), "pop.example.org", s.ClientConfig())
		require.NoError(t, err)
		require.ErrorIs(t, c.Noop(t.Context()), &pop3.Error{Code: pop3.CodeSysTemp})
		require.NoError(t, c.Quit(t.Context()))
	}
}

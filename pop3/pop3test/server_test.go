package pop3test

import (
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

func readAll(t *testing.T, c *pop3.Client, n int) (string, error) {
	t.Helper()
	body, err := c.Retr(t.Context(), n)
	require.NoError(t, err)
	text, err := io.ReadAll(body)
	return string(text), err
}

// TestServer goes through a session with each kind of server.
func TestServer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Server){
		"loopback":            func(*Server) {},
		"loopback with TLS":   func(s *Server) { s.ImplicitTLS = true },
		"memory":              func(s *Server) { s.Memory = true },
		"memory with TLS":     func(s *Server) { s.Memory, s.ImplicitTLS = true, true },
		"a store of the test": func(s *Server) { s.Config.Store = s.Store },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewUnstartedServer(t)
			change(s)
			s.Start()
			s.SetMessages("user", [][]byte{[]byte("one\r\n"), []byte(".two")})
			c := s.Client("user")
			require.NotNil(t, c.ConnectionState().TLS)
			text, err := readAll(t, c, 2)
			require.NoError(t, err)
			require.Equal(t, ".two\r\n", text)
			require.NoError(t, c.Dele(t.Context(), 1))
			require.NoError(t, c.Quit(t.Context()))
			require.Equal(t, [][]byte{[]byte(".two\r\n")}, s.Messages("user"))
		})
	}
}

func TestBreak(t *testing.T) {
	t.Parallel()
	for _, q := range []*Quirks{nil, {}} {
		s := NewUnstartedServer(t)
		s.Memory, s.Quirks = true, q
		s.Start()
		s.SetMessages("user", [][]byte{[]byte("one"), []byte("two")})
		s.Break("user", 1, errors.New("a bad sector"))
		c := s.Client("user")
		_, err := c.Retr(t.Context(), 1)
		require.ErrorIs(t, err, &pop3.Error{Code: pop3.CodeSysTemp})
		text, err := readAll(t, c, 2)
		require.NoError(t, err)
		require.Equal(t, "two\r\n", text)
		require.NoError(t, c.Quit(t.Context()))
		s.Break("user", 1, nil)
		_, err = readAll(t, s.Client("user"), 1)
		require.NoError(t, err)
	}
}

func TestServerPasswords(t *testing.T) {
	t.Parallel()
	s := NewServer(t)
	s.SetPassword("user", "first")
	cfg := s.ClientConfig("user")
	c, err := pop3.Dial(t.Context(), s.Addr, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Quit(t.Context()))

	s.SetPassword("user", "second")
	_, err = pop3.Dial(t.Context(), s.Addr, cfg)
	require.ErrorIs(t, err, auth.ErrCredentials)
	cfg.Auth = auth.Password("nobody", DefaultPassword)
	_, err = pop3.Dial(t.Context(), s.Addr, cfg)
	require.ErrorIs(t, err, auth.ErrCredentials)

	s.Client("user")
	cfg.Auth = auth.Password("user", "second")
	_, err = pop3.Dial(t.Context(), s.Addr, cfg)
	require.ErrorIs(t, err, pop3.ErrInUse)
}

func TestServerCut(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]bool{"loopback": false, "memory": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewUnstartedServer(t)
			s.Memory = memory
			s.Config.TLSConfig = nil
			s.Config.Auth.InsecureAllowCleartext = true
			s.Start()
			s.SetMessages("user", [][]byte{make([]byte, 10_000)})
			cfg := s.ClientConfig("user")
			cfg.TLS, cfg.Auth = pop3.InsecureNoTLS, auth.InsecurePassword("user", DefaultPassword)

			s.CutAfter(5)
			_, err := pop3.Dial(t.Context(), s.Addr, cfg)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)

			s.CutAfter(5000)
			c, err := pop3.Dial(t.Context(), s.Addr, cfg)
			require.NoError(t, err)
			text, err := readAll(t, c, 1)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Greater(t, len(text), 4000)
			require.Less(t, len(text), 5000)

			s.Heal()
			c, err = pop3.Dial(t.Context(), s.Addr, cfg)
			// The client met the cut first: the server may have yet to let go of the
			// maildrop.
			for start := time.Now(); errors.Is(err, pop3.ErrInUse) && time.Since(start) < 10*time.Second; {
				c, err = pop3.Dial(t.Context(), s.Addr, cfg)
			}
			require.NoError(t, err)
			text, err = readAll(t, c, 1)
			require.NoError(t, err)
			require.Len(t, text, 10_002)
			require.NoError(t, c.Quit(t.Context()))
		})
	}
}

func TestServerStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewMemoryServer(t)
		s.StallAfter(10)
		start := time.Now()
		_, err := pop3.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, clientTimeout, time.Since(start))
		s.Heal()
		c := s.Client("user")
		time.Sleep(time.Minute)
		require.NoError(t, c.Noop(t.Context()))
	})
}

func TestServerIsClosed(t *testing.T) {
	t.Parallel()
	s := NewMemoryServer(t)
	c := s.Client("user")
	s.Close()
	require.Error(t, c.Noop(t.Context()))
	_, err := pop3.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
	require.Error(t, err)
	s.Close()
	var never *pop3.UnknownError
	require.False(t, errors.As(err, &never))
}

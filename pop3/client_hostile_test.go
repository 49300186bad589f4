package pop3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

// segments is a connection on which these arrive, one at a time, whatever is
// sent; then it ends.
type segments struct {
	net.Conn
	rest []string
}

func (s *segments) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.rest[0])
	if s.rest[0] = s.rest[0][n:]; s.rest[0] == "" {
		s.rest = s.rest[1:]
	}
	return n, nil
}

func (s *segments) Write(p []byte) (int, error)      { return len(p), nil }
func (s *segments) Close() error                     { return nil }
func (s *segments) SetDeadline(time.Time) error      { return nil }
func (s *segments) SetReadDeadline(time.Time) error  { return nil }
func (s *segments) SetWriteDeadline(time.Time) error { return nil }
func (s *segments) LocalAddr() net.Addr              { return nil }
func (s *segments) RemoteAddr() net.Addr             { return nil }

// clientOf is a client that is greeted, has no capabilities, and then gets these
// replies.
func clientOf(t testing.TB, cfg pop3.ClientConfig, replies ...string) *pop3.Client {
	t.Helper()
	return clientWith(t, cfg, "-ERR\r\n", replies...)
}

// clientWith is clientOf with a reply to CAPA.
func clientWith(t testing.TB, cfg pop3.ClientConfig, capa string, replies ...string) *pop3.Client {
	t.Helper()
	cfg.TLS = pop3.InsecureNoTLS
	c, err := pop3.NewClient(t.Context(), &segments{rest: append([]string{"+OK\r\n", capa}, replies...)}, "", &cfg)
	require.NoError(t, err)
	return c
}

type operation func(context.Context, *pop3.Client) error

func stat(ctx context.Context, c *pop3.Client) error    { _, err := c.Stat(ctx); return err }
func list(ctx context.Context, c *pop3.Client) error    { _, err := c.List(ctx); return err }
func listOne(ctx context.Context, c *pop3.Client) error { _, err := c.ListOne(ctx, 1); return err }
func uidl(ctx context.Context, c *pop3.Client) error    { _, err := c.UIDL(ctx); return err }
func uidlOne(ctx context.Context, c *pop3.Client) error { _, err := c.UIDLOne(ctx, 1); return err }
func capa(ctx context.Context, c *pop3.Client) error    { _, err := c.Capa(ctx); return err }
func noop(ctx context.Context, c *pop3.Client) error    { return c.Noop(ctx) }
func quit(ctx context.Context, c *pop3.Client) error    { return c.Quit(ctx) }
func dele(ctx context.Context, c *pop3.Client) error    { return c.Dele(ctx, 1, 2) }
func retr(ctx context.Context, c *pop3.Client) error {
	body, err := c.Retr(ctx, 1)
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	return err
}

// TestClientHostileReplies has replies that are none. Each is a *ProtocolError,
// never a panic and never a value, and the connection is given up.
func TestClientHostileReplies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		do    operation
		reply string
	}{
		{"no status", stat, "OK 1 2\r\n"},
		{"lower case", stat, "+ok 1 2\r\n"},
		{"no blank", stat, "+OKx 1 2\r\n"},
		{"no blank after error", stat, "-ERRx\r\n"},
		{"empty line", stat, "\r\n"},
		{"a challenge", stat, "+ \r\n"},
		{"HTTP", stat, "HTTP/1.1 400 Bad Request\r\n"},
		{"SMTP", stat, "250 OK\r\n"},
		{"bare LF", stat, "+OK 1 2\n"},
		{"bare CR", stat, "+OK 1\r 2\r\n"},
		{"NUL", stat, "+OK 1\x00 2\r\n"},
		{"long line", stat, "+OK 1 2 " + strings.Repeat("x", 3000) + "\r\n"},
		{"long nonsense", stat, strings.Repeat("x", 300) + "\r\n"},
		{"no numbers", stat, "+OK\r\n"},
		{"no number", stat, "+OK  \r\n"},
		{"letters", stat, "+OK many 2\r\n"},
		{"letters for octets", stat, "+OK 1 many\r\n"},
		{"negative count", stat, "+OK -1 2\r\n"},
		{"sign", stat, "+OK +1 2\r\n"},
		{"hexadecimal", stat, "+OK 0x1 2\r\n"},
		{"count overflows", stat, "+OK 18446744073709551617 2\r\n"},
		{"count beyond the limit", stat, "+OK 1000001 2\r\n"},
		{"octets overflow", stat, "+OK 1 9223372036854775808\r\n"},

		{"LIST without size", list, "+OK\r\n1\r\n.\r\n"},
		{"LIST with an empty line", list, "+OK\r\n\r\n.\r\n"},
		{"LIST with number 0", list, "+OK\r\n0 5\r\n.\r\n"},
		{"LIST with a negative number", list, "+OK\r\n-1 5\r\n.\r\n"},
		{"LIST with a negative size", list, "+OK\r\n1 -5\r\n.\r\n"},
		{"LIST number overflows", list, "+OK\r\n18446744073709551617 5\r\n.\r\n"},
		{"LIST number beyond the limit", list, "+OK\r\n1000001 5\r\n.\r\n"},
		{"LIST size overflows", list, "+OK\r\n1 9223372036854775808\r\n.\r\n"},
		{"LIST twice the same", list, "+OK\r\n1 5\r\n2 5\r\n1 5\r\n.\r\n"},
		{"LIST end by a bare LF", list, "+OK\r\n1 5\n.\r\n"},
		{"LIST of words", list, "+OK\r\nhello world\r\n.\r\n"},
		{"LIST of one, another", listOne, "+OK 2 5\r\n"},
		{"LIST of one, nothing", listOne, "+OK\r\n"},

		{"UIDL without id", uidl, "+OK\r\n1\r\n.\r\n"},
		{"UIDL with two ids", uidl, "+OK\r\n1 a b\r\n.\r\n"},
		{"UIDL with controls", uidl, "+OK\r\n1 a\x01\r\n.\r\n"},
		{"UIDL beyond ASCII", uidl, "+OK\r\n1 \xc3\xa9\r\n.\r\n"},
		{"UIDL of 10 KB", uidl, "+OK\r\n1 " + strings.Repeat("x", 10_000) + "\r\n.\r\n"},
		{"UIDL twice the same", uidl, "+OK\r\n1 a\r\n1 b\r\n.\r\n"},
		{"UIDL number beyond the limit", uidl, "+OK\r\n1000001 a\r\n.\r\n"},
		{"UIDL of one, another", uidlOne, "+OK 2 a\r\n"},
		{"UIDL of one, nothing", uidlOne, "+OK\r\n"},

		{"CAPA with a long line", capa, "+OK\r\n" + strings.Repeat("x", 3000) + "\r\n.\r\n"},
		{"CAPA with a bare CR", capa, "+OK\r\nTOP\r\rUIDL\r\n.\r\n"},
		{"DELE with a challenge", dele, "+ \r\n"},
		{"RETR with a challenge", retr, "+ \r\n"},
		{"QUIT with nonsense", quit, "bye\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := clientOf(t, pop3.ClientConfig{}, tc.reply, "+OK\r\n")
			err := tc.do(t.Context(), c)
			var protocol *pop3.ProtocolError
			require.ErrorAs(t, err, &protocol)
			require.Equal(t, -1, strings.IndexFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }), "%q", err)
			require.Less(t, len(err.Error()), 500)
			err = noop(t.Context(), c)
			require.ErrorIs(t, err, pop3.ErrBroken)
			if tc.name != "QUIT with nonsense" {
				require.ErrorAs(t, err, &protocol, "the cause is kept")
			}
		})
	}
}

// TestClientCut cuts replies short. What is missing is never made up for.
func TestClientCut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		do    operation
		reply string
	}{
		{"STAT", stat, "+OK 1 2\r\n"},
		{"LIST", list, "+OK\r\n1 5\r\n.\r\n"},
		{"UIDL", uidl, "+OK\r\n1 a\r\n.\r\n"},
		{"CAPA", capa, "+OK\r\nTOP\r\n.\r\n"},
		{"RETR", retr, "+OK\r\nhello\r\n\r\n..\r\n.\r\n"},
		{"DELE", dele, "+OK\r\n+OK\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for n := range len(tc.reply) {
				c := clientWith(t, pop3.ClientConfig{}, pipelining, tc.reply[:n])
				require.ErrorIs(t, tc.do(t.Context(), c), io.ErrUnexpectedEOF, "after %q", tc.reply[:n])
				require.ErrorIs(t, noop(t.Context(), c), pop3.ErrBroken)
			}
			c := clientWith(t, pop3.ClientConfig{}, pipelining, tc.reply)
			require.NoError(t, tc.do(t.Context(), c))
		})
	}
}

// TestClientUnsolicited has servers that say more than they were asked for: the
// next command must not take that for its reply.
func TestClientUnsolicited(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do    operation
		reply string
	}{
		"two replies":                    {noop, "+OK\r\n+OK\r\n"},
		"UIDL of one in many lines":      {uidlOne, "+OK 1 a\r\n1 a\r\n.\r\n"},
		"a second end":                   {list, "+OK\r\n1 5\r\n.\r\n.\r\n"},
		"a message and another reply":    {retr, "+OK\r\nhello\r\n.\r\n+OK\r\n"},
		"the beginning of another reply": {noop, "+OK\r\n+"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientOf(t, pop3.ClientConfig{}, tc.reply, "+OK\r\n")
			require.NoError(t, tc.do(t.Context(), c))
			var protocol *pop3.ProtocolError
			require.ErrorAs(t, noop(t.Context(), c), &protocol)
		})
	}
	for name, flight := range flights {
		t.Run("before "+name, func(t *testing.T) {
			t.Parallel()
			for _, cfg := range []pop3.ClientConfig{{}, {Window: 1}} {
				c := dialAnswers(t, cfg, func(line string, alone bool) string {
					if line == "NOOP" {
						return "+OK\r\n+OK 1 10\r\n"
					}
					return works(line, alone)
				})
				require.NoError(t, noop(t.Context(), c))
				log, err := flight(t.Context(), c)
				if err == nil {
					require.Len(t, log, 1)
					require.Contains(t, log[0], "before it was asked")
				}
				require.ErrorIs(t, noop(t.Context(), c), pop3.ErrBroken)
			}
		})
	}
	t.Run("before QUIT", func(t *testing.T) {
		t.Parallel()
		c := dialAnswers(t, withAuth(testUser), func(line string, alone bool) string {
			if line == "NOOP" {
				return "+OK\r\n+OK\r\n"
			}
			return works(line, alone)
		})
		require.NoError(t, noop(t.Context(), c))
		var protocol *pop3.ProtocolError
		err := quit(t.Context(), c)
		require.ErrorAs(t, err, &protocol)
		require.NotErrorAs(t, err, new(*pop3.UnknownError), "QUIT was not sent")
	})
	t.Run("behind the greeting", func(t *testing.T) {
		t.Parallel()
		_, err := pop3.NewClient(t.Context(), &segments{rest: []string{"+OK\r\n+OK\r\nSTLS\r\n.\r\n"}}, "", nil)
		var protocol *pop3.ProtocolError
		require.ErrorAs(t, err, &protocol)
	})
}

// TestClientLimits crosses each limit by one.
func TestClientLimits(t *testing.T) {
	t.Parallel()
	lines := func(n int, f string) string {
		var b strings.Builder
		b.WriteString("+OK\r\n")
		for i := range n {
			fmt.Fprintf(&b, f+"\r\n", i+1)
		}
		return b.String() + ".\r\n"
	}
	for _, tc := range []struct {
		name  string
		cfg   pop3.ClientConfig
		do    operation
		reply func(n int) string
		most  int
	}{
		{"MaxMessages of LIST", pop3.ClientConfig{MaxMessages: 3}, list, func(n int) string { return lines(n, "%d 5") }, 3},
		{"MaxMessages of UIDL", pop3.ClientConfig{MaxMessages: 3}, uidl, func(n int) string { return lines(n, "%d a") }, 3},
		{"MaxMessages of STAT", pop3.ClientConfig{MaxMessages: 3}, stat, func(n int) string { return fmt.Sprintf("+OK %d 7\r\n", n) }, 3},
		{"MaxListBytes", pop3.ClientConfig{MaxListBytes: 45}, list, func(n int) string { return lines(n, "%d 5") }, 9},
		{"MaxLine", pop3.ClientConfig{MaxLine: 20}, noop, func(n int) string { return "+OK " + strings.Repeat("x", n) + "\r\n" }, 14},
		{"capabilities", pop3.ClientConfig{}, capa, func(n int) string { return lines(n, "X%d") }, 256},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := clientOf(t, tc.cfg, tc.reply(tc.most))
			require.NoError(t, tc.do(t.Context(), c))
			c = clientOf(t, tc.cfg, tc.reply(tc.most+1))
			var protocol *pop3.ProtocolError
			require.ErrorAs(t, tc.do(t.Context(), c), &protocol)
		})
	}
}

// pour says something to a client for ever.
func pour(t *testing.T, conn net.Conn, opening, text string) {
	go func() {
		_, err := io.WriteString(conn, opening)
		for err == nil {
			_, err = io.WriteString(conn, text)
		}
	}()
	t.Cleanup(func() { conn.Close() })
}

// TestClientEndless has servers that do not come to an end. Memory is bounded by
// the limits, and so is time.
func TestClientEndless(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ opening, text string }{
		"greeting":     {"+OK ", strings.Repeat("x", 1000)},
		"capabilities": {"+OK\r\n+OK\r\n", "TOP\r\n"},
		"line":         {"+OK\r\n+OK\r\n", strings.Repeat("x", 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := testnet.Pipe()
			pour(t, there, tc.opening, tc.text)
			_, err := pop3.NewClient(t.Context(), here, "", &cleartext)
			var protocol *pop3.ProtocolError
			require.ErrorAs(t, err, &protocol)
		})
	}
}

// drip sends text an octet at a time, with a pause before each.
func drip(conn net.Conn, text string, pause time.Duration) {
	for i := range len(text) {
		time.Sleep(pause)
		if _, err := conn.Write([]byte{text[i]}); err != nil {
			return
		}
	}
}

// TestClientDeadlines has servers that are silent, or as good as that.
func TestClientDeadlines(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		do   operation
		play func(conn net.Conn)
		want time.Duration
	}{
		{"silence", noop, func(net.Conn) {}, time.Minute},
		{"half a line", noop, func(conn net.Conn) { _, _ = io.WriteString(conn, "+O") }, time.Minute},
		{"drip", noop, func(conn net.Conn) { drip(conn, "+OK "+strings.Repeat("x", 100), 10*time.Second) }, time.Minute},
		{"silence in a list", list, func(conn net.Conn) { _, _ = io.WriteString(conn, "+OK\r\n1 2\r\n") }, time.Minute},
		{"drip in a list", list, func(conn net.Conn) {
			drip(conn, "+OK\r\n", 0)
			for n := range 1000 {
				drip(conn, fmt.Sprintf("%d 2\r\n", n+1), time.Second)
			}
		}, time.Minute + 600*time.Millisecond},
		{"silence in a body", retr, func(conn net.Conn) { _, _ = io.WriteString(conn, "+OK\r\nhello") }, time.Minute},
		{"drip in a body left unread", func(ctx context.Context, c *pop3.Client) error {
			body, err := c.Retr(ctx, 1)
			require.NoError(t, err)
			require.ErrorIs(t, body.Close(), pop3.ErrBroken)
			return os.ErrDeadlineExceeded // in effect
		}, func(conn net.Conn) {
			drip(conn, "+OK\r\n", 0)
			drip(conn, strings.Repeat("x", 100_000), 5*time.Millisecond)
		}, time.Minute},
		{"drip in a fetch left early", func(ctx context.Context, c *pop3.Client) error {
			for _, err := range c.Fetch(ctx, []int{1, 2}) {
				require.NoError(t, err)
				break
			}
			require.ErrorIs(t, c.Noop(ctx), pop3.ErrBroken)
			return os.ErrDeadlineExceeded // in effect
		}, func(conn net.Conn) {
			drip(conn, "+OK\r\n", 0)
			drip(conn, strings.Repeat("x", 100_000), 5*time.Millisecond)
		}, time.Minute},
		{"drip in a body", retr, func(conn net.Conn) {
			drip(conn, "+OK\r\n", 0)
			drip(conn, strings.Repeat("x", 10_000), time.Second)
		}, time.Minute + 600*time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				here, there := testnet.Pipe()
				var server sync.WaitGroup
				defer server.Wait()
				defer there.Close()
				server.Go(func() {
					_, _ = io.WriteString(there, "+OK\r\n")
					_, _ = io.ReadFull(there, make([]byte, len("CAPA\r\n")))
					_, _ = io.WriteString(there, "-ERR\r\n")
					_, _ = io.ReadFull(there, make([]byte, len("NOOP\r\n")))
					tc.play(there)
				})
				cfg := pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Timeout: time.Minute, MinRate: 100}
				c, err := pop3.NewClient(t.Context(), here, "", &cfg)
				require.NoError(t, err)
				start := time.Now()
				err = tc.do(t.Context(), c)
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.InDelta(t, tc.want, time.Since(start), float64(2*time.Second))
				require.ErrorIs(t, noop(t.Context(), c), pop3.ErrBroken)
			})
		})
	}
}

// TestClientCancel ends the context while the client waits, in every place in
// which it does.
func TestClientCancel(t *testing.T) {
	t.Parallel()
	why := errors.New("the user pressed a key")
	for name, tc := range map[string]struct {
		do    operation
		reply string
	}{
		"a status line":  {noop, ""},
		"a list":         {list, "+OK\r\n1 2\r\n"},
		"a body":         {retr, "+OK\r\nhello"},
		"a flight":       {dele, ""},
		"a fetched body": {fetchAll, "+OK\r\nhello"},
		"a drained body": {func(ctx context.Context, c *pop3.Client) error {
			if _, err := c.Retr(context.Background(), 1); err != nil {
				return err
			}
			return c.Noop(ctx)
		}, "+OK\r\nhello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				here, there := testnet.Pipe()
				defer there.Close()
				_, err := io.WriteString(there, "+OK\r\n")
				require.NoError(t, err)
				go func() {
					_, _ = io.ReadFull(there, make([]byte, len("CAPA\r\n")))
					_, _ = io.WriteString(there, "+OK\r\nPIPELINING\r\n.\r\n")
					_, _ = io.ReadFull(there, make([]byte, 1))
					_, _ = io.WriteString(there, tc.reply)
				}()
				c, err := pop3.NewClient(t.Context(), here, "", &cleartext)
				require.NoError(t, err)
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(why) })
				start := time.Now()
				require.ErrorIs(t, tc.do(ctx, c), why)
				require.Less(t, time.Since(start), 1100*time.Millisecond)
				err = c.Noop(t.Context())
				require.ErrorIs(t, err, pop3.ErrBroken)
				require.ErrorIs(t, err, why)
			})
		})
	}
	t.Run("Close", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			here, there := testnet.Pipe()
			defer there.Close()
			_, err := io.WriteString(there, "+OK\r\n")
			require.NoError(t, err)
			go func() {
				_, _ = io.ReadFull(there, make([]byte, len("CAPA\r\n")))
				_, _ = io.WriteString(there, "-ERR\r\n")
			}()
			c, err := pop3.NewClient(t.Context(), here, "", &cleartext)
			require.NoError(t, err)
			time.AfterFunc(time.Second, func() { _ = c.Close() })
			require.ErrorIs(t, c.Noop(t.Context()), net.ErrClosed)
			require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
		})
	})
	t.Run("greeting", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			here, there := testnet.Pipe()
			defer there.Close()
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
			defer cancel()
			_, err := pop3.NewClient(ctx, here, "", nil)
			require.ErrorIs(t, err, why)
		})
	})
}

// fetchAll fetches two messages and reads them.
func fetchAll(ctx context.Context, c *pop3.Client) error {
	for m, err := range c.Fetch(ctx, []int{1, 2}) {
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, m); err != nil {
			return err
		}
	}
	return nil
}

package pop3_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

// hostileTimeout is that of the clients that meet hostile servers.
const hostileTimeout = 10 * time.Second

// hostile is a server that is told what to say after the greeting and after each
// command; a missing word is silence.
type hostile []func(w io.Writer)

func (h hostile) serve(nc net.Conn) {
	defer nc.Close()
	r := bufio.NewReader(nc)
	for i, say := range h {
		if i > 0 {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
		}
		say(nc)
	}
	_, _ = io.Copy(io.Discard, r)
}

// says says a text.
func says(text string) func(io.Writer) {
	return func(w io.Writer) { _, _ = io.WriteString(w, text) }
}

// pouring says something first, and then the lines of next for ever.
func pouring(first string, next func(i int) string) func(io.Writer) {
	return func(w io.Writer) {
		_, err := io.WriteString(w, first)
		for i := 1; err == nil; i++ {
			_, err = io.WriteString(w, next(i))
		}
	}
}

func always(text string) func(int) string {
	text = strings.Repeat(text, 1+2000/len(text))
	return func(int) string { return text }
}

// dripping says something first, and then an octet every second, for ever.
func dripping(first string) func(io.Writer) {
	return func(w io.Writer) {
		_, err := io.WriteString(w, first)
		for err == nil {
			time.Sleep(time.Second)
			_, err = io.WriteString(w, "x")
		}
	}
}

func closes(text string) func(io.Writer) {
	return func(w io.Writer) {
		_, _ = io.WriteString(w, text)
		_ = w.(net.Conn).Close()
	}
}

// dial is the operation of a client that is only to log in.
func dial(context.Context, *pop3.Client) error { return nil }

func top(ctx context.Context, c *pop3.Client) error {
	body, err := c.Top(ctx, 1, 0)
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	return err
}

func index(ctx context.Context, c *pop3.Client) error { _, err := c.Index(ctx); return err }

// TestClientAgainstHostileServers: whatever a server does, the client has an error
// of a known kind when its time is over, has taken no more than 1 MiB of memory
// for it, and does not use the connection again if the next reply could be
// something else. It runs alone, to have the allocations for itself.
func TestClientAgainstHostileServers(t *testing.T) { //nolint:paralleltest // see above
	ok := says("+OK\r\n")
	noCapa := says("-ERR\r\n")
	for _, tc := range []struct {
		name string
		do   operation
		play hostile
	}{
		// Any line, and any list.
		{"endless greeting", dial, hostile{pouring("+OK ", always("x"))}},
		{"endless lines of greeting", dial, hostile{pouring("", always("+OK\r\n"))}},
		{"silence", dial, hostile{}},
		{"greeting of drops", dial, hostile{dripping("+OK ")}},
		{"greeting of another protocol", dial, hostile{says("220 mx.example.org ESMTP\r\n")}},
		{"greeting without CRLF, then the end", dial, hostile{closes("+OK")}},
		{"the end at once", dial, hostile{closes("")}},
		{"a million capabilities", dial, hostile{ok, pouring("+OK\r\n", always("TOP\r\n"))}},
		{"an endless capability", dial, hostile{ok, pouring("+OK\r\n", always("TOP "))}},
		{"capabilities of drops", dial, hostile{ok, dripping("+OK\r\n")}},
		{"capabilities without end", dial, hostile{ok, says("+OK\r\nTOP\r\n")}},
		{"capabilities, and the end", dial, hostile{ok, closes("+OK\r\nTOP\r\n")}},
		{"two replies at once", noop, hostile{ok, says("-ERR\r\n+OK\r\n"), ok}},
		{"a garbage line", noop, hostile{ok, noCapa, says("\x00\x01\x02\xff\r\n")}},
		{"an endless garbage line", noop, hostile{ok, noCapa, pouring("", always("\xff"))}},
		{"a status of drops", noop, hostile{ok, noCapa, dripping("+OK")}},
		{"+OKx", noop, hostile{ok, noCapa, says("+OKx\r\n")}},
		{"the end within a reply", noop, hostile{ok, noCapa, closes("+O")}},

		// STAT.
		{"STAT without fields", stat, hostile{ok, noCapa, ok}},
		{"STAT negative", stat, hostile{ok, noCapa, says("+OK -1 -1\r\n")}},
		{"STAT huge", stat, hostile{ok, noCapa, says("+OK 999999999 1\r\n")}},
		{"STAT overflows", stat, hostile{ok, noCapa, says("+OK 1 99999999999999999999\r\n")}},

		// LIST.
		{"LIST without fields", list, hostile{ok, noCapa, says("+OK\r\n1\r\n.\r\n")}},
		{"LIST of one without fields", listOne, hostile{ok, noCapa, ok}},
		{"LIST negative", list, hostile{ok, noCapa, says("+OK\r\n1 -7\r\n.\r\n")}},
		{"LIST overflows", list, hostile{ok, noCapa, says("+OK\r\n1 9999999999999999999\r\n.\r\n")}},
		{"LIST with a number twice", list, hostile{ok, noCapa, says("+OK\r\n1 7\r\n1 7\r\n.\r\n")}},
		{"LIST with the same number for ever", list, hostile{ok, noCapa, pouring("+OK\r\n", always("1 7\r\n"))}},
		{"LIST out of range", list, hostile{ok, noCapa, says("+OK\r\n1000001 7\r\n.\r\n")}},
		{"LIST with a far number, and silence", list, hostile{ok, noCapa, says("+OK\r\n1000000 7\r\n")}},
		{"LIST of an endless line", list, hostile{ok, noCapa, pouring("+OK\r\n", always("1"))}},
		{"LIST of drops", list, hostile{ok, noCapa, dripping("+OK\r\n1 ")}},
		{"LIST without end", list, hostile{ok, noCapa, says("+OK\r\n1 7\r\n")}},

		// UIDL.
		{"UIDL without fields", uidl, hostile{ok, noCapa, says("+OK\r\n1\r\n.\r\n")}},
		{"UIDL of one without fields", uidlOne, hostile{ok, noCapa, ok}},
		{"UIDL of 10 KB", uidl, hostile{ok, noCapa, says("+OK\r\n1 " + strings.Repeat("x", 10<<10) + "\r\n.\r\n")}},
		{"UIDL with spaces", uidl, hostile{ok, noCapa, says("+OK\r\n1 a b c\r\n.\r\n")}},
		{"UIDL with controls", uidl, hostile{ok, noCapa, says("+OK\r\n1 a\x1b[2J\r\n.\r\n")}},
		{"UIDL with a number twice", uidl, hostile{ok, noCapa, says("+OK\r\n1 a\r\n1 b\r\n.\r\n")}},
		{"UIDL out of range", uidl, hostile{ok, noCapa, says("+OK\r\n99999999 a\r\n.\r\n")}},
		{"Index of two different kinds", index, hostile{ok, says("+OK\r\nPIPELINING\r\n.\r\n"), says("+OK\r\n1 7\r\n.\r\n+OK\r\n1\r\n.\r\n")}},

		// RETR and TOP.
		{"RETR without end", retr, hostile{ok, noCapa, says("+OK\r\nhello\r\n")}},
		{"RETR, and the end", retr, hostile{ok, noCapa, closes("+OK\r\nhello\r\n.\r")}},
		{"RETR of drops", retr, hostile{ok, noCapa, dripping("+OK\r\n")}},
		{"RETR with a dot between bare LF", retr, hostile{ok, noCapa, says("+OK\r\nhello\n.\nRETR\n\r\n.\n")}},

		// Marks, and the end.
		{"DELE without a reply", dele, hostile{ok, says("+OK\r\nPIPELINING\r\n.\r\n")}},
		{"DELE with too many replies", func(ctx context.Context, c *pop3.Client) error {
			return errors.Join(c.Dele(ctx, 1, 2), c.Noop(ctx))
		}, hostile{ok, noCapa, says("+OK\r\n+OK\r\n+OK\r\n"), ok, ok}},
		{"QUIT without a reply", quit, hostile{ok, noCapa}},
		{"QUIT of drops", quit, hostile{ok, noCapa, dripping("+OK")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := testnet.Pipe()
				var server sync.WaitGroup
				defer server.Wait()
				server.Go(func() { tc.play.serve(there) })
				defer here.Close()
				cfg := cleartext
				cfg.Timeout, cfg.MaxMessage = hostileTimeout, 4<<20
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				c, err := pop3.NewClient(t.Context(), here, "", &cfg)
				if err == nil {
					err = tc.do(t.Context(), c)
				}
				took := time.Since(start)
				runtime.ReadMemStats(&after)
				require.Error(t, err)
				require.True(t, known(err), "%T: %v", err, err)
				// A reply of several lines has the timeout until its first and
				// then until it is too slow.
				require.LessOrEqual(t, took, hostileTimeout+2*time.Second)
				require.LessOrEqual(t, int64(after.TotalAlloc-before.TotalAlloc), int64(1<<20))
				if c != nil {
					require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
				}
			})
		})
	}
}

// flood is a connection on which, after the segments, the same text arrives for
// ever. It takes no memory for it.
type flood struct {
	segments
	text string
	at   int
}

func (f *flood) Read(p []byte) (int, error) {
	if len(f.rest) > 0 {
		return f.segments.Read(p)
	}
	for i := range p {
		p[i] = f.text[f.at]
		f.at = (f.at + 1) % len(f.text)
	}
	return len(p), nil
}

// TestClientEndlessBodies is the same for messages without end.
func TestClientEndlessBodies(t *testing.T) { //nolint:paralleltest // it counts allocations
	unread := func(ctx context.Context, c *pop3.Client) error {
		body, err := c.Retr(ctx, 1)
		if err == nil {
			err = body.Close()
		}
		return err
	}
	for name, do := range map[string]operation{"RETR": retr, "RETR, not read": unread, "TOP": top, "Fetch": fetchAll, "a fetch left early": fetchHalf} {
		for _, text := range []string{"hello\r\n", "hello", ".", "..\r\n", ".\n", "\r"} {
			conn := &flood{segments: segments{rest: []string{"+OK\r\n", pipelining, "+OK\r\n"}}, text: text}
			cfg := cleartext
			cfg.MaxMessage = 4 << 20
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c, err := pop3.NewClient(t.Context(), conn, "", &cfg)
			require.NoError(t, err)
			err = do(t.Context(), c)
			runtime.ReadMemStats(&after)
			require.True(t, known(err), "%s of %q: %v", name, text, err)
			require.LessOrEqual(t, int64(after.TotalAlloc-before.TotalAlloc), int64(1<<20), "%s of %q", name, text)
			require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
		}
	}
}

// known reports whether err is of a kind that is documented.
func known(err error) bool {
	var protocol *pop3.ProtocolError
	return errors.As(err, &protocol) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, pop3.ErrBroken)
}

// TestClientRefusalsOfServers: a refusal is an *Error, with and without a response
// code, and the session goes on.
func TestClientRefusalsOfServers(t *testing.T) {
	t.Parallel()
	for _, do := range []operation{stat, list, listOne, uidl, uidlOne, noop, retr, top, dele, index} {
		for _, reply := range []string{"-ERR\r\n", "-ERR [SYS/PERM] no\r\n", "-ERR [in-use/x/y] no\r\n", "-ERR [not a code] no\r\n", "-ERR [] no\r\n"} {
			c := clientOf(t, pop3.ClientConfig{}, reply, reply, "+OK\r\n")
			err := do(t.Context(), c)
			var refusal *pop3.Error
			require.ErrorAs(t, err, &refusal)
			if err := c.Noop(t.Context()); err != nil {
				require.ErrorAs(t, err, &refusal) // the second refusal, which was not asked for yet
				require.NoError(t, c.Noop(t.Context()))
			}
		}
	}
}

// TestClientDoesNotProbe: a server without CAPA whose AUTH lists mechanisms is not
// asked: it is logged in to by USER and PASS, or not at all.
func TestClientDoesNotProbe(t *testing.T) {
	t.Parallel()
	d := "S: +OK\nC: CAPA\nS: -ERR\nC: USER test\nS: +OK\nC: PASS test\nS: +OK\nC: CAPA\nS: -ERR\nC: QUIT\nS: +OK\n-- close\n"
	c := playText(t, d, withAuth(testUser))
	require.NoError(t, c.Quit(t.Context()))
}

// TestClientBodiesOfServers has bodies that look like something else: they are
// delivered as they are.
func TestClientBodiesOfServers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100<<10)
	for _, tc := range []struct {
		name, sent, want string
		size             int // in LIST
	}{
		{"longer than LIST says", "hello\r\n.\r\n", "hello\r\n", 3},
		{"shorter", "hello\r\n.\r\n", "hello\r\n", 300},
		{"a line of 100 KB", long + "\r\n.\r\n", long + "\r\n", 1},
		{"dots between bare LF", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", 1},
		{"dots after a bare CR", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", 1},
		{"NUL", "a\x00b\r\n\x00.\r\n.\r\n", "a\x00b\r\n\x00.\r\n", 1},
		{"a reply", "+OK\r\n-ERR\r\n.\r\n", "+OK\r\n-ERR\r\n", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			reply := "+OK\r\n" + tc.sent
			for cut := 0; cut <= min(len(reply), 40); cut++ { // a dot split over reads
				c := clientOf(t, pop3.ClientConfig{}, fmt.Sprintf("+OK\r\n1 %d\r\n.\r\n", tc.size),
					reply[:len(reply)-cut], reply[len(reply)-cut:], "+OK\r\n")
				_, err := c.List(t.Context())
				require.NoError(t, err)
				require.Equal(t, tc.want, readBody(t, c.Retr, 1))
				require.NoError(t, c.Noop(t.Context()))
			}
		})
	}
}

// TestMaxMessage crosses the limit by one octet.
func TestMaxMessage(t *testing.T) {
	t.Parallel()
	for _, writeTo := range []bool{false, true} {
		for size, works := range map[int]bool{99: true, 100: true, 101: false, 5000: false} {
			c := clientOf(t, pop3.ClientConfig{MaxMessage: 100}, "+OK\r\n"+strings.Repeat("x", size-2)+"\r\n.\r\n", "+OK\r\n")
			body, err := c.Retr(t.Context(), 1)
			require.NoError(t, err)
			var text strings.Builder
			if writeTo {
				_, err = body.WriteTo(&text)
			} else {
				_, err = io.Copy(&text, struct{ io.Reader }{body})
			}
			require.Equal(t, min(size, 100), text.Len())
			if works {
				require.NoError(t, err)
				require.NoError(t, c.Noop(t.Context()))
				continue
			}
			require.ErrorAs(t, err, new(*pop3.ProtocolError))
			_, again := body.Read(make([]byte, 1))
			require.Equal(t, err, again)
			require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
		}
	}
}

// TestClientArguments has every argument that reaches a server with CR, LF and NUL
// in it: nothing is sent.
func TestClientArguments(t *testing.T) {
	t.Parallel()
	const greeting = "+OK <1@x>\r\n"
	for _, bad := range []string{"\r", "\n", "\x00", "\r\nDELE 1", "a\rb", "a\nb", "a\x00b"} {
		for name, cfg := range map[string]pop3.ClientConfig{
			"USER": withAuth(userPasser{auth.InsecurePassword("a"+bad, "p")}),
			"PASS": withAuth(userPasser{auth.InsecurePassword("a", "p"+bad)}),
			"APOP": {TLS: pop3.InsecureNoTLS, InsecureAPOP: true, Auth: auth.InsecurePassword("a"+bad, "p")},
			"AUTH": withAuth(&saslScript{name: "X" + bad, responses: []string{""}}),
		} {
			sent := &recorder{segments: segments{rest: []string{greeting, "-ERR\r\n", "+OK\r\n", "+OK\r\n", "-ERR\r\n"}}}
			_, err := pop3.NewClient(t.Context(), sent, "", &cfg)
			require.Error(t, err, name)
			require.Equal(t, "CAPA\r\n", sent.String(), name)
		}
		sent := &recorder{segments: segments{rest: []string{greeting, "-ERR\r\n", "+OK de\r\n"}}}
		c, err := pop3.NewClient(t.Context(), sent, "", &cleartext)
		require.NoError(t, err)
		_, err = c.Lang(t.Context(), "de"+bad)
		require.Error(t, err)
		require.Equal(t, "CAPA\r\n", sent.String())
	}
}

// userPasser hides that credentials can do anything but USER and PASS.
type userPasser struct{ auth.Credentials }

func (u userPasser) UserPassword(cs auth.ConnectionState) (user, password string, err error) {
	return u.Credentials.(auth.UserPasser).UserPassword(cs)
}

// recorder notes what is sent.
type recorder struct {
	segments
	strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) { return r.Builder.Write(p) }

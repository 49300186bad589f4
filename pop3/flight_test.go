package pop3_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

// answer is what a server says to a command. alone says whether it had come by
// itself.
type answer func(line string, alone bool) string

// serveAnswers greets, offers PIPELINING, and answers until the client has gone or
// an answer ends in "cut".
func serveAnswers(conn net.Conn, say answer) {
	defer conn.Close()
	_, _ = io.WriteString(conn, "+OK\r\n")
	r := bufio.NewReader(conn)
	for alone := true; ; alone = r.Buffered() == 0 {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		alone = alone && r.Buffered() == 0
		line = strings.TrimSpace(line)
		reply := pipelining
		if line != "CAPA" {
			reply = say(line, alone)
		}
		reply, cut := strings.CutSuffix(reply, "cut")
		if _, err := io.WriteString(conn, reply); err != nil || cut {
			return
		}
	}
}

// dialAnswers connects with such a server.
func dialAnswers(t *testing.T, cfg pop3.ClientConfig, say answer) *pop3.Client {
	t.Helper()
	here, there := testnet.Pipe()
	var server sync.WaitGroup
	server.Go(func() { serveAnswers(there, say) })
	t.Cleanup(server.Wait)
	cfg.TLS = pop3.InsecureNoTLS
	c, err := pop3.NewClient(t.Context(), here, "", &cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// works answers as a server does that has ten messages, but for the last.
func works(line string, _ bool) string {
	verb, args, _ := strings.Cut(line, " ")
	n, _, _ := strings.Cut(args, " ")
	switch {
	case n == "10":
		return "-ERR no such message\r\n"
	case verb == "RETR" || verb == "TOP":
		return fmt.Sprintf("+OK\r\nmessage %s\r\n.\r\n", n)
	case verb == "LIST" && n == "":
		return "+OK\r\n1 10\r\n2 20\r\n.\r\n"
	case verb == "UIDL" && n == "":
		return "+OK\r\n1 u1\r\n2 u2\r\n.\r\n"
	case verb == "LIST":
		return "+OK " + n + " " + n + "0\r\n"
	case verb == "UIDL":
		return "+OK " + n + " u" + n + "\r\n"
	}
	return "+OK\r\n"
}

// flights are all that sends commands ahead, about messages 1 to 10. Each returns
// what came of each message.
var flights = map[string]func(context.Context, *pop3.Client) ([]string, error){
	"Fetch": func(ctx context.Context, c *pop3.Client) (log []string, err error) {
		for m, err := range c.Fetch(ctx, upTo(10)) {
			log = append(log, told(m, err))
		}
		return log, nil
	},
	"FetchTop": func(ctx context.Context, c *pop3.Client) (log []string, err error) {
		for m, err := range c.FetchTop(ctx, upTo(10), 3) {
			log = append(log, told(m, err))
		}
		return log, nil
	},
	"Dele": func(ctx context.Context, c *pop3.Client) (log []string, err error) {
		for _, n := range upTo(9) {
			log = append(log, fmt.Sprint(n, " <nil>"))
		}
		err = c.Dele(ctx, upTo(10)...)
		if message := (*pop3.MessageError)(nil); !errors.As(err, &message) {
			return nil, err
		}
		return append(log, strings.Replace(err.Error(), "pop3: message 10:", "10 pop3:", 1)), nil
	},
	"ListEach": func(ctx context.Context, c *pop3.Client) (log []string, err error) {
		for l, err := range c.ListEach(ctx, upTo(10)) {
			if err == nil && l.Size != int64(10*l.Num) {
				return nil, fmt.Errorf("size %d", l.Size)
			}
			log = append(log, fmt.Sprint(l.Num, " ", err))
		}
		return log, nil
	},
	"UIDLEach": func(ctx context.Context, c *pop3.Client) (log []string, err error) {
		for l, err := range c.UIDLEach(ctx, upTo(10)) {
			if err == nil && l.UID != fmt.Sprint("u", l.Num) {
				return nil, fmt.Errorf("unique-id %s", l.UID)
			}
			log = append(log, fmt.Sprint(l.Num, " ", err))
		}
		return log, nil
	},
}

func told(m *pop3.Message, err error) string {
	if err == nil {
		var text []byte
		if text, err = io.ReadAll(m); err == nil && string(text) != fmt.Sprintf("message %d\r\n", m.Num) {
			err = fmt.Errorf("reads %q", text)
		}
	}
	return fmt.Sprint(m.Num, " ", err)
}

// tenth is what is to come of the ten messages.
func tenth() (want []string) {
	for _, n := range upTo(9) {
		want = append(want, fmt.Sprint(n, " <nil>"))
	}
	return append(want, "10 pop3: no such message")
}

// TestFlights has a server that works, and servers that refuse, in several
// manners, what does not come alone. All messages come in the end.
func TestFlights(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(alone bool) bool{
		"works":                        func(bool) bool { return false },
		"refuses what is not alone":    func(alone bool) bool { return !alone },
		"refuses it from the fifth on": counting(5),
	} {
		for what, flight := range flights {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				refusing, asked := broken, 0
				if name == "refuses it from the fifth on" {
					refusing = counting(5)
				}
				c := dialAnswers(t, pop3.ClientConfig{Window: 4}, func(line string, alone bool) string {
					asked++
					if refusing(alone) {
						return "-ERR one at a time, please\r\n"
					}
					return works(line, alone)
				})
				require.True(t, c.Pipelining())
				log, err := flight(t.Context(), c)
				require.NoError(t, err)
				slices.SortFunc(log, func(a, b string) int { return len(a)*100 + int(a[0]) - len(b)*100 - int(b[0]) })
				require.Equal(t, tenth(), log)
				require.Equal(t, name == "works", c.Pipelining(), "whether it is still done")
				require.NoError(t, c.Noop(t.Context()))
				if name == "works" {
					require.Equal(t, 12, asked, "one is asked for twice, and then there is NOOP")
				}
				log, err = flight(t.Context(), c)
				require.NoError(t, err)
				require.Equal(t, tenth(), log, "the second time")
				if name == "works" {
					require.Equal(t, 23, asked)
					for range 6 {
						_, err := flight(t.Context(), c)
						require.NoError(t, err)
					}
					asked = 0
					_, err := flight(t.Context(), c)
					require.NoError(t, err)
					require.Equal(t, 10, asked, "the server is believed, in the end")
				}
			})
		}
	}
}

// TestFlightsAtRandom has windows, sizes and refusals by chance, with servers that
// can do pipelining and servers that cannot: what comes of each message is what
// the server says to it alone.
func TestFlightsAtRandom(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 150 {
		count, broken := 1+random.IntN(40), random.IntN(2) == 0
		refused := map[string]bool{}
		for _, n := range upTo(count) {
			refused[fmt.Sprint("RETR ", n)] = random.IntN(5) == 0
		}
		cfg := pop3.ClientConfig{Window: 1 + random.IntN(12), WindowBytes: int64(1 + random.IntN(600<<10))}
		c := dialAnswers(t, cfg, func(line string, alone bool) string {
			switch {
			case refused[line] || broken && !alone:
				return "-ERR no\r\n"
			case strings.HasPrefix(line, "RETR "):
				return "+OK\r\nmessage " + line[5:] + "\r\n.\r\n"
			}
			return "+OK\r\n"
		})
		leave := random.IntN(2 * count)
		seen := map[int]bool{}
		for m, err := range c.Fetch(t.Context(), upTo(count)) {
			require.False(t, seen[m.Num], "message %d comes twice", m.Num)
			seen[m.Num] = true
			require.Equal(t, refused[fmt.Sprint("RETR ", m.Num)], err != nil, "message %d: %v", m.Num, err)
			if err == nil && random.IntN(3) > 0 {
				require.Equal(t, fmt.Sprint(m.Num, " <nil>"), told(m, nil))
			}
			if len(seen) > leave {
				break
			}
		}
		require.Len(t, seen, min(count, leave+1))
		require.NoError(t, c.Noop(t.Context()))
	}
}

// counting refuses the command that is the nth of those that did not come alone,
// and all such after it.
func counting(n int) func(alone bool) bool {
	return func(alone bool) bool {
		if alone {
			return false
		}
		n--
		return n < 0
	}
}

// TestFlightsWithoutBuffers has a network that holds nothing, and a server that
// does not read while it writes.
func TestFlightsWithoutBuffers(t *testing.T) {
	t.Parallel()
	for what, flight := range flights {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			here, there := net.Pipe()
			go serveAnswers(there, works)
			c, err := pop3.NewClient(t.Context(), here, "", &pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Timeout: 10 * time.Second})
			require.NoError(t, err)
			defer c.Close()
			for range 2 {
				log, err := flight(t.Context(), c)
				require.NoError(t, err)
				require.Equal(t, tenth(), log)
				entries, err := c.Index(t.Context())
				require.NoError(t, err)
				require.Len(t, entries, 2)
			}
		})
	}
}

// TestPipelineError has servers that break, in several manners, when commands are
// sent ahead. The error says so.
func TestPipelineError(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		cause error
		say   answer
	}{
		{"cuts the connection", io.ErrUnexpectedEOF, func(line string, alone bool) string {
			if !alone && line == "RETR 2" {
				return "cut"
			}
			return works(line, alone)
		}},
		{"cuts it within a message", io.ErrUnexpectedEOF, func(line string, alone bool) string {
			if !alone && line == "RETR 2" {
				return "+OK\r\nmesscut"
			}
			return works(line, alone)
		}},
		{"answers the first alone", os.ErrDeadlineExceeded, func(line string, alone bool) string {
			if !alone && line != "RETR 1" {
				return ""
			}
			return works(line, alone)
		}},
		{"answers in between", &pop3.ProtocolError{}, func(line string, alone bool) string {
			if !alone && line == "RETR 1" {
				return "+OK\r\nmessage 1\r\n.\r\nmessage 1\r\n.\r\n"
			}
			return works(line, alone)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, window := range []int{0, 1} {
					c := dialAnswers(t, pop3.ClientConfig{Window: window, Timeout: 10 * time.Second}, tc.say)
					var last error
					for m, err := range c.Fetch(t.Context(), upTo(9)) {
						if last = err; err == nil {
							_, _ = io.Copy(io.Discard, m)
						}
					}
					if window == 1 {
						require.NoError(t, last)
						require.NoError(t, c.Close())
						continue
					}
					var pipeline *pop3.PipelineError
					require.ErrorAs(t, last, &pipeline)
					require.Positive(t, pipeline.Owed)
					if _, protocol := tc.cause.(*pop3.ProtocolError); protocol {
						require.ErrorAs(t, last, new(*pop3.ProtocolError))
					} else {
						require.ErrorIs(t, last, tc.cause)
					}
					require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
				}
			})
		})
	}
}

// TestPipelineErrorIsToldOnce: of a cut, and of a reply to another command, the error
// has one layer.
func TestPipelineErrorIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]string{"cut": "cut", "another message": "+OK 7 70\r\n"} {
		c := dialAnswers(t, pop3.ClientConfig{}, func(line string, alone bool) string {
			if line == "LIST 2" {
				return wrong
			}
			return works(line, alone)
		})
		var last error
		for _, err := range c.ListEach(t.Context(), upTo(9)) {
			last = err
		}
		var pipeline *pop3.PipelineError
		require.ErrorAs(t, last, &pipeline, name)
		require.NotErrorAs(t, pipeline.Err, new(*pop3.PipelineError), name)
	}
}

// TestPipelineErrorIsNotForCallers: what the caller does is not the server's fault.
func TestPipelineErrorIsNotForCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := dialAnswers(t, pop3.ClientConfig{}, func(string, bool) string { return "" })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Dele(ctx, 1, 2, 3)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorAs(t, err, new(*pop3.PipelineError))
	})
}

// TestIndex joins what LIST and UIDL say.
func TestIndex(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, list, uidl string
		want             []pop3.Entry
	}{
		{"none", "+OK\r\n.\r\n", "+OK\r\n.\r\n", []pop3.Entry{}},
		{"both", "+OK\r\n1 10\r\n3 30\r\n.\r\n", "+OK\r\n1 a\r\n3 b\r\n.\r\n", []pop3.Entry{{1, 10, "a"}, {3, 30, "b"}}},
		{"another order", "+OK\r\n3 30\r\n1 10\r\n.\r\n", "+OK\r\n1 a\r\n3 b\r\n.\r\n", []pop3.Entry{{3, 30, "b"}, {1, 10, "a"}}},
		{"one of LIST alone", "+OK\r\n1 10\r\n3 30\r\n.\r\n", "+OK\r\n3 b\r\n.\r\n", []pop3.Entry{{1, 10, ""}, {3, 30, "b"}}},
		{"one of UIDL alone", "+OK\r\n3 30\r\n.\r\n", "+OK\r\n3 b\r\n5 c\r\n.\r\n", []pop3.Entry{{3, 30, "b"}, {5, -1, "c"}}},
		{"no UIDL", "+OK\r\n1 10\r\n.\r\n", "-ERR what?\r\n", []pop3.Entry{{1, 10, ""}}},
	} {
		for _, capa := range []string{pipelining, "-ERR\r\n"} {
			replies := []string{tc.list, tc.uidl}
			if tc.name == "no UIDL" && capa == pipelining {
				replies = append(replies, tc.uidl) // it is asked for again
			}
			c := clientWith(t, pop3.ClientConfig{}, capa, append(replies, "+OK\r\n")...)
			got, err := c.Index(t.Context())
			require.NoError(t, err, tc.name)
			require.Equal(t, tc.want, got, tc.name)
			require.NoError(t, c.Noop(t.Context()))
		}
	}
	c := clientWith(t, pop3.ClientConfig{}, pipelining, "-ERR [SYS/TEMP] no list\r\n", "+OK\r\n1 a\r\n.\r\n", "+OK\r\n")
	_, err := c.Index(t.Context())
	require.ErrorIs(t, err, &pop3.Error{Code: pop3.CodeSysTemp})
	require.NoError(t, c.Noop(t.Context()))
	c = clientWith(t, pop3.ClientConfig{}, pipelining, "+OK\r\n1 10\r\n.\r\n", "+OK\r\nnonsense\r\n")
	_, err = c.Index(t.Context())
	require.ErrorAs(t, err, new(*pop3.ProtocolError))
}

// TestFlightsLeftEarly leaves each kind of loop, and works on.
func TestFlightsLeftEarly(t *testing.T) {
	t.Parallel()
	c := dialAnswers(t, pop3.ClientConfig{}, works)
	for range c.ListEach(t.Context(), upTo(10)) {
		break
	}
	for range c.UIDLEach(t.Context(), upTo(10)) {
		break
	}
	for range c.FetchTop(t.Context(), upTo(10), 0) {
		break
	}
	for range c.Fetch(t.Context(), upTo(10)) {
		break
	}
	require.NoError(t, c.Noop(t.Context()))
	for _, err := range c.ListEach(t.Context(), []int{1, 0}) {
		require.ErrorContains(t, err, "bad message number 0")
	}
	for _, err := range c.UIDLEach(t.Context(), []int{-1}) {
		require.ErrorContains(t, err, "bad message number -1")
	}
	require.NoError(t, c.Noop(t.Context()))
}

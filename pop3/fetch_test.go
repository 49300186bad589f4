package pop3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

const pipelining = "+OK\r\nPIPELINING\r\n.\r\n"

// upTo returns 1, 2 ... n.
func upTo(n int) []int {
	nums := make([]int, n)
	for i := range nums {
		nums[i] = i + 1
	}
	return nums
}

// TestFetchEverything brings a thousand messages of every kind from our own
// server, octet for octet.
func TestFetchEverything(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2449-6.6-2")
	random := rand.New(rand.NewPCG(1, 2))
	messages := make([][]byte, 1000)
	for i := range messages {
		messages[i] = randomMessage(random)
	}
	messages[17] = append(bytes.Repeat([]byte("x"), 3<<20), "\r\n"...)
	for _, window := range []int{0, 1, 3} {
		t.Run(fmt.Sprint("window ", window), func(t *testing.T) {
			t.Parallel()
			s := pop3test.NewMemoryServer(t)
			s.SetMessages("user", messages)
			cfg := s.ClientConfig("user")
			cfg.Window = window
			c, err := pop3.Dial(t.Context(), s.Addr, cfg)
			require.NoError(t, err)
			defer c.Close()
			if window != 3 { // else their sizes are not known
				list, err := c.List(t.Context())
				require.NoError(t, err)
				for i, l := range list {
					require.EqualValues(t, len(messages[i]), l.Size)
				}
			}
			count := 0
			for m, err := range c.Fetch(t.Context(), upTo(len(messages))) {
				require.NoError(t, err)
				text, err := io.ReadAll(m)
				require.NoError(t, err)
				require.True(t, bytes.Equal(text, messages[m.Num-1]), "message %d differs", m.Num)
				count++
			}
			require.Equal(t, len(messages), count)
			require.NoError(t, c.Dele(t.Context(), upTo(len(messages))...))
			require.NoError(t, c.Quit(t.Context()))
			require.Empty(t, s.Messages("user"))
		})
	}
}

// randomMessage has dots, blank and long lines, NUL, bare CR and bare LF.
func randomMessage(random *rand.Rand) []byte {
	pieces := []string{".", "..", "\r\n", "\r\n.", "\r\n..\r\n", "\r", "\n", "\n.", "\x00", "text ", "\xff\xfe", strings.Repeat("long ", 400)}
	var b []byte
	for range random.IntN(40) {
		b = append(b, pieces[random.IntN(len(pieces))]...)
	}
	return append(b, "\r\n"...)
}

// farAway connects with a server over a link on which everything takes half of
// roundTrip.
type farAway struct {
	server    *pop3test.Server
	roundTrip time.Duration
	roads     sync.WaitGroup
}

func (f *farAway) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	there, err := f.server.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	here, middle := testnet.Pipe()
	f.roads.Go(func() { carry(there, middle, f.roundTrip/2) })
	f.roads.Go(func() { carry(middle, there, f.roundTrip/2) })
	return here, nil
}

// carry brings octets from one connection to the other, each so much later than
// it came.
func carry(to, from net.Conn, delay time.Duration) {
	type parcel struct {
		octets []byte
		due    time.Time
	}
	road := make(chan parcel, 1<<16)
	go func() {
		defer close(road)
		for {
			b := make([]byte, 64<<10)
			n, err := from.Read(b)
			if err != nil {
				return
			}
			road <- parcel{b[:n], time.Now().Add(delay)}
		}
	}()
	for p := range road {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.octets); err != nil {
			break
		}
	}
	to.Close()
	from.Close()
	for range road { // what was still on its way is lost
	}
}

// TestFetchRoundTrips counts the round trips of a thousand messages over a slow
// link: with a window they do not grow with the number of messages.
func TestFetchRoundTrips(t *testing.T) {
	t.Parallel()
	const (
		roundTrip = 100 * time.Millisecond
		count     = 1000
	)
	for _, tc := range []struct {
		name        string
		cfg         pop3.ClientConfig
		list        bool
		least, most int // round trips
	}{
		{"one by one", pop3.ClientConfig{Window: 1}, true, count, count},
		{"a window of 10", pop3.ClientConfig{Window: 10}, true, count / 10, count / 5},
		{"the default", pop3.ClientConfig{}, true, count / 256, count / 128},
		{"a window as large as all", pop3.ClientConfig{Window: count, WindowBytes: 1 << 30}, true, 1, 1},
		{"16 messages of unknown size", pop3.ClientConfig{Window: count, WindowBytes: 1 << 20}, false, count / 16, count / 8},
		{"a window of 20 KB", pop3.ClientConfig{Window: count, WindowBytes: 20_000}, true, count / 20, count / 9},
		{"room for less than one", pop3.ClientConfig{WindowBytes: 1}, true, count, count},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := pop3test.NewMemoryServer(t)
				messages := make([][]byte, count)
				for i := range messages {
					messages[i] = fmt.Appendf(nil, "Subject: %d\r\n\r\n%s\r\n", i, strings.Repeat("x", 980))
				}
				s.SetMessages("user", messages)
				cfg := s.ClientConfig("user")
				link := &farAway{server: s, roundTrip: roundTrip}
				defer link.roads.Wait()
				cfg.Dialer, cfg.Window, cfg.WindowBytes = link, tc.cfg.Window, tc.cfg.WindowBytes
				c, err := pop3.Dial(t.Context(), s.Addr, cfg)
				require.NoError(t, err)
				defer c.Close()
				if tc.list {
					_, err := c.List(t.Context())
					require.NoError(t, err)
				}
				start := time.Now()
				for m, err := range c.Fetch(t.Context(), upTo(count)) {
					require.NoError(t, err)
					text, err := io.ReadAll(m)
					require.NoError(t, err)
					require.Equal(t, messages[m.Num-1], text)
				}
				trips := int(time.Since(start) / roundTrip)
				t.Logf("%d round trips", trips)
				require.GreaterOrEqual(t, trips, tc.least)
				require.LessOrEqual(t, trips, tc.most)
			})
		})
	}
}

// TestSessionOverASlowLink is a whole session, from the greeting to QUIT, that brings
// a thousand messages of 10 KB over a link with a round trip of 20 ms, in TLS. What
// the machine takes for it is not counted.
func TestSessionOverASlowLink(t *testing.T) {
	t.Parallel()
	const roundTrip = 20 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s := pop3test.NewMemoryServer(t)
		messages := make([][]byte, 1000)
		for i := range messages {
			messages[i] = bytes.Repeat([]byte(strings.Repeat("x", 76)+"\r\n"), 10_000/78)
		}
		s.SetMessages("user", messages)
		cfg := s.ClientConfig("user")
		link := &farAway{server: s, roundTrip: roundTrip}
		defer link.roads.Wait()
		cfg.Dialer = link
		start := time.Now()
		c, err := pop3.Dial(t.Context(), s.Addr, cfg)
		require.NoError(t, err)
		got, err := c.Index(t.Context())
		require.NoError(t, err)
		require.Len(t, got, len(messages))
		for m, err := range c.Fetch(t.Context(), upTo(len(messages))) {
			require.NoError(t, err)
			n, err := io.Copy(io.Discard, m)
			require.NoError(t, err)
			require.EqualValues(t, len(messages[0]), n)
		}
		require.NoError(t, c.Quit(t.Context()))
		t.Logf("%v, %.1f round trips", time.Since(start), float64(time.Since(start))/float64(roundTrip))
		require.LessOrEqual(t, time.Since(start), 20*roundTrip)
	})
}

// TestFetchWithoutBuffers has a network that holds nothing, and a server that does
// not read while it writes: writing all commands before reading would be the
// end.
func TestFetchWithoutBuffers(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2449-6.6-3")
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		_, _ = io.WriteString(there, "+OK\r\n")
		command := make([]byte, len("CAPA\r\n"))
		_, _ = io.ReadFull(there, command)
		_, _ = io.WriteString(there, pipelining)
		for n := 1; n <= 9; n++ {
			command := make([]byte, len("RETR 1\r\n"))
			if _, err := io.ReadFull(there, command); err != nil || string(command) != fmt.Sprintf("RETR %d\r\n", n) {
				return
			}
			_, _ = fmt.Fprintf(there, "+OK\r\nmessage %d\r\n.\r\n", n)
		}
	}()
	c, err := pop3.NewClient(t.Context(), here, "", &pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Timeout: 10 * time.Second})
	require.NoError(t, err)
	defer c.Close()
	var got []string
	for m, err := range c.Fetch(t.Context(), upTo(9)) {
		require.NoError(t, err)
		text, err := io.ReadAll(m)
		require.NoError(t, err)
		got = append(got, string(text))
	}
	require.Len(t, got, 9)
	require.Equal(t, "message 9\r\n", got[8])
}

// TestFetchRefusals goes on after messages that the server refuses.
func TestFetchRefusals(t *testing.T) {
	t.Parallel()
	for _, capa := range []string{pipelining, "-ERR\r\n"} {
		c := clientWith(t, pop3.ClientConfig{}, capa, "-ERR [X-GONE] gone\r\n", "+OK\r\ntwo\r\n.\r\n", "-ERR [SYS/TEMP] no\r\n", "+OK\r\n")
		var log []string
		for m, err := range c.Fetch(t.Context(), []int{1, 2, 3}) {
			if err != nil {
				log = append(log, fmt.Sprint(m.Num, " ", err))
				_, again := m.Read(make([]byte, 1))
				require.Equal(t, err, again)
				require.NoError(t, m.Close())
				continue
			}
			text, err := io.ReadAll(m)
			require.NoError(t, err)
			log = append(log, fmt.Sprint(m.Num, " ", string(text)))
		}
		require.Equal(t, []string{"1 pop3: [X-GONE] gone", "2 two\r\n", "3 pop3: [SYS/TEMP] no"}, log)
		require.NoError(t, c.Noop(t.Context()))
	}
}

// TestFetchUnread does not read what it fetches.
func TestFetchUnread(t *testing.T) {
	t.Parallel()
	bodies := []string{"+OK\r\none\r\n.\r\n", "+OK\r\ntwo\r\n.\r\n", "+OK\r\nthree\r\n.\r\n", "+OK\r\n"}
	c := clientWith(t, pop3.ClientConfig{}, pipelining, slices.Clone(bodies)...)
	var previous *pop3.Message
	for m, err := range c.Fetch(t.Context(), []int{1, 2, 3}) {
		require.NoError(t, err)
		if previous != nil {
			_, err := previous.Read(make([]byte, 1))
			require.ErrorContains(t, err, "closed body")
		}
		previous = m
	}
	require.NoError(t, c.Noop(t.Context()))

	c = clientWith(t, pop3.ClientConfig{MaxDrain: 5}, pipelining, slices.Clone(bodies)...)
	var errs []error
	for _, err := range c.Fetch(t.Context(), []int{1, 2, 3}) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 2)
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], pop3.ErrBroken)
}

// TestFetchLeftEarly leaves the loop in every way and place.
func TestFetchLeftEarly(t *testing.T) {
	t.Parallel()
	leave := func(c *pop3.Client, at int, after func(*pop3.Message)) {
		for m := range c.Fetch(t.Context(), []int{1, 2, 3}) {
			if m.Num == at {
				after(m)
				return
			}
			_, _ = io.Copy(io.Discard, m)
		}
	}
	waysOut := map[string]func(*pop3.Message){
		"unread":    func(*pop3.Message) {},
		"half read": func(m *pop3.Message) { _, _ = m.Read(make([]byte, 2)) },
		"read":      func(m *pop3.Message) { _, _ = io.Copy(io.Discard, m) },
		"closed":    func(m *pop3.Message) { _ = m.Close() },
	}
	replies := []string{"+OK\r\none\r\n.\r\n", "+OK\r\ntwo\r\n.\r\n", "+OK\r\nthree\r\n.\r\n"}
	listing := "+OK\r\n1 5\r\n2 5\r\n3 7\r\n.\r\n"
	for way, after := range waysOut {
		for at := 1; at <= 3; at++ {
			for _, refused := range []bool{false, true} {
				t.Run(fmt.Sprint(way, " at ", at, " refused ", refused), func(t *testing.T) {
					t.Parallel()
					script := slices.Concat([]string{listing}, replies, []string{"+OK\r\n"})
					if refused {
						script[at] = "-ERR [SYS/PERM] no\r\n"
					}
					c := clientWith(t, pop3.ClientConfig{}, pipelining, script...)
					_, err := c.List(t.Context())
					require.NoError(t, err)
					leave(c, at, after)
					require.NoError(t, c.Noop(t.Context()))
				})
			}
		}
	}
	t.Run("with too much on its way", func(t *testing.T) {
		t.Parallel()
		// 12 octets by the listing when message 1 has been read; 5 + 3 raw ones
		// of message 1, or 19 of all, when it has not.
		for _, tc := range []struct {
			limit int64
			after string
			works bool
		}{{11, "read", false}, {18, "read", true}, {16, "unread", false}, {26, "unread", true}} {
			c := clientWith(t, pop3.ClientConfig{MaxDrain: tc.limit}, pipelining, slices.Concat([]string{listing}, replies, []string{"+OK\r\n"})...)
			_, err := c.List(t.Context())
			require.NoError(t, err)
			leave(c, 1, waysOut[tc.after])
			if tc.works {
				require.NoError(t, c.Noop(t.Context()), "%+v", tc)
			} else {
				require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken, "%+v", tc)
			}
		}
	})
	t.Run("without knowing the sizes", func(t *testing.T) {
		t.Parallel()
		c := clientWith(t, pop3.ClientConfig{MaxDrain: 26}, pipelining, slices.Concat(replies, []string{"+OK\r\n"})...)
		leave(c, 1, waysOut["unread"])
		require.NoError(t, c.Noop(t.Context()))
		c = clientWith(t, pop3.ClientConfig{MaxDrain: 25}, pipelining, slices.Concat(replies, []string{"+OK\r\n"})...)
		leave(c, 1, waysOut["unread"])
		require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
	})
	t.Run("with what is not known to be too much", func(t *testing.T) {
		t.Parallel()
		c := clientWith(t, pop3.ClientConfig{MaxDrain: 1 << 20}, pipelining,
			"+OK\r\n1 5\r\n2 5\r\n3 7\r\n.\r\n", replies[0], "+OK\r\n"+strings.Repeat("x", 1<<20)+"\r\n.\r\n", replies[2])
		_, err := c.List(t.Context())
		require.NoError(t, err)
		leave(c, 1, waysOut["read"])
		require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
	})
	t.Run("by a panic", func(t *testing.T) {
		t.Parallel()
		c := clientWith(t, pop3.ClientConfig{}, pipelining, slices.Concat([]string{listing}, replies, []string{"+OK\r\n"})...)
		_, err := c.List(t.Context())
		require.NoError(t, err)
		require.Panics(t, func() { leave(c, 2, func(m *pop3.Message) { _, _ = io.Copy(io.Discard, m); panic("out") }) })
		require.NoError(t, c.Noop(t.Context()))
	})
}

// TestFetchOwnsTheConnection gives commands within the loop.
func TestFetchOwnsTheConnection(t *testing.T) {
	t.Parallel()
	c := clientWith(t, pop3.ClientConfig{}, pipelining, "+OK\r\none\r\n.\r\n", "+OK\r\ntwo\r\n.\r\n", "+OK\r\n")
	for m, err := range c.Fetch(t.Context(), []int{1, 2}) {
		require.NoError(t, err)
		require.Equal(t, pop3.ErrFetching, c.Dele(t.Context(), m.Num))
		require.Equal(t, pop3.ErrFetching, c.Noop(t.Context()))
		for _, err := range c.Fetch(t.Context(), []int{2}) {
			require.Equal(t, pop3.ErrFetching, err)
		}
		_, err := io.Copy(io.Discard, m)
		require.NoError(t, err)
	}
	require.NoError(t, c.Noop(t.Context()))
}

// TestFetchCut loses the connection in the middle of a message.
func TestFetchCut(t *testing.T) {
	t.Parallel()
	c := clientWith(t, pop3.ClientConfig{}, pipelining, "+OK\r\none\r\n.\r\n", "+OK\r\ntw")
	var log []string
	for m, err := range c.Fetch(t.Context(), []int{1, 2, 3, 4}) {
		if err == nil {
			_, err = io.Copy(io.Discard, m)
		}
		log = append(log, fmt.Sprint(m.Num, " ", err))
	}
	require.Equal(t, []string{
		"1 <nil>",
		"2 unexpected EOF",
		"3 pop3: with 2 replies owed: connection given up: pop3: body: unexpected EOF",
	}, log)
}

// TestServerIsUsedByManyClients is for the race detector.
func TestServerIsUsedByManyClients(t *testing.T) {
	t.Parallel()
	s := pop3test.NewServer(t)
	var wg sync.WaitGroup
	for i := range 8 {
		user := fmt.Sprint("user", i)
		s.SetMessages(user, [][]byte{[]byte("Subject: " + user + "\r\n")})
		wg.Go(func() {
			c, err := pop3.Dial(t.Context(), s.Addr, s.ClientConfig(user))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if err := fetchAll(t.Context(), c); err == nil {
				t.Error("there is no second message")
			}
			if err := c.Quit(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

package smtp

import (
	"fmt"
	"iter"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// farAway returns the ends of a connection on which everything takes its time.
func farAway(t *testing.T, oneWay time.Duration) (near, far net.Conn) {
	near, a := pipe(t)
	b, far := pipe(t)
	type segment struct {
		octets []byte
		due    time.Time
	}
	carry := func(from, to *testnet.Conn) {
		queue := make(chan segment, 10_000)
		go func() {
			defer close(queue)
			for {
				buf := make([]byte, 64<<10)
				n, err := from.Read(buf)
				if n > 0 {
					queue <- segment{buf[:n], time.Now().Add(oneWay)}
				}
				if err != nil {
					return
				}
			}
		}()
		go func() {
			for s := range queue {
				time.Sleep(time.Until(s.due))
				to.Write(s.octets)
			}
			to.CloseWrite()
		}()
	}
	carry(a, b)
	carry(b, a)
	return near, far
}

// messages returns n messages that differ in their text only.
func messages(t testing.TB, n int, size int, to ...string) iter.Seq[Message] {
	env := envelope(t, to...)
	return func(yield func(Message) bool) {
		for i := range n {
			body := fmt.Sprintf("Subject: %d\r\n\r\n", i) + lines(size)
			if !yield(Message{env, strings.NewReader(body)}) {
				return
			}
		}
	}
}

// A hundred messages to two recipients each, 20 ms away, take as few round trips as
// the server allows.
func TestClientSendAll_RoundTrips(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		offers []string
		most   time.Duration
	}{
		"all in flight":      {[]string{"PIPELINING", "CHUNKING"}, 300 * time.Millisecond},
		"DATA in step":       {[]string{"PIPELINING"}, 2400 * time.Millisecond},
		"chunks in step":     {[]string{"CHUNKING"}, 8100 * time.Millisecond},
		"everything in step": {[]string{"SIZE"}, 10100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := farAway(t, 10*time.Millisecond)
				s := (&sink{conn: far, offers: tt.offers}).start()
				start := time.Now()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
				require.NoError(t, err)
				n := 0
				for result, err := range c.SendAll(t.Context(), messages(t, 100, 1000, "b", "c")) {
					require.NoError(t, err)
					require.Equal(t, Accepted, result.Outcome)
					n++
				}
				took := time.Since(start)
				require.Equal(t, 100, n)
				require.LessOrEqual(t, took, tt.most)
				t.Logf("%v", took)
				require.NoError(t, c.Quit(t.Context()))
				<-s.done
				require.Len(t, s.messages, 100)
				for i, m := range s.messages {
					require.Equal(t, fmt.Sprintf("Subject: %d\r\n\r\n", i)+lines(1000), m)
				}
			})
		})
	}
}

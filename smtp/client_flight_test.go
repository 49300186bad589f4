package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
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
				require.Equal(t, 100, len(s.messages))
				for i, m := range s.messages {
					require.Equal(t, fmt.Sprintf("Subject: %d\r\n\r\n", i)+lines(1000), m)
				}
			})
		})
	}
}

// However small the windows, many messages in flight block neither side, and
// each gets its own answer.
func TestClientStart_SmallWindows(t *testing.T) {
	t.Parallel()
	for _, offers := range [][]string{{"PIPELINING", "CHUNKING"}, {"PIPELINING"}} {
		for _, size := range []int{50, 5000, 200_000} {
			t.Run(fmt.Sprintf("%v of %d", offers, size), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					near, far := pipe(t)
					near.SetWriteBuffer(2 * window)
					far.SetWriteBuffer(2 * window)
					n := 0
					s := (&sink{conn: far, offers: offers, refuse: func(line string) string {
						if strings.HasPrefix(line, "MAIL") {
							n++
						}
						if strings.HasPrefix(line, "RCPT") && n%3 == 0 {
							return fmt.Sprintf("550 not in %d\r\n", n)
						}
						return ""
					}}).start()
					c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
					require.NoError(t, err)
					i := 0
					for result, err := range c.SendAll(t.Context(), messages(t, 60, size, "b", "c")) {
						if i++; i%3 != 0 {
							require.NoError(t, err)
							continue
						}
						var reply *Error
						require.ErrorAs(t, err, &reply)
						require.Equal(t, fmt.Sprintf("not in %d", i), reply.Text)
						require.Equal(t, Refused, result.Outcome)
					}
					require.Equal(t, 60, i)
					require.NoError(t, c.Quit(t.Context()))
					<-s.done
					require.Equal(t, 40, len(s.messages))
				})
			})
		}
	}
}

// What follows a message by BDAT that may be refused begins with RSET, so that its
// recipients never get another message; by DATA the end of the data has ended the
// transaction whatever the answer.
func TestClientStart_TransactionsApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ offer, want string }{
		{"CHUNKING", "MAIL RCPT BDAT RSET MAIL RCPT BDAT RSET MAIL RCPT BDAT QUIT"},
		{"X-NONE", "MAIL RCPT DATA MAIL RCPT DATA MAIL RCPT DATA QUIT"},
	} {
		t.Run(tt.offer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := farAway(t, time.Millisecond)
				s := (&sink{conn: far, offers: []string{"PIPELINING", tt.offer}}).start()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
				require.NoError(t, err)
				var all []*Sent
				for m := range messages(t, 3, 10, "b") {
					all = append(all, c.Start(t.Context(), m.Envelope, m.Body))
				}
				for _, sent := range all {
					_, err := sent.Wait()
					require.NoError(t, err)
				}
				require.NoError(t, c.Quit(t.Context()))
				<-s.done
				var verbs []string
				for _, line := range s.lines[1:] {
					verbs = append(verbs, line[:4])
				}
				require.Equal(t, tt.want, strings.Join(verbs, " "))
			})
		})
	}
}

// The end of a context ends at once what waits, in whatever state.
func TestClientStart_Cancel(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	for _, offer := range []string{"CHUNKING", "X-NONE"} {
		t.Run(offer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				go func() {
					script(far, "220 hi\r\n", "250-hi\r\n250-"+offer+"\r\n250 PIPELINING\r\n")
					io.Copy(io.Discard, far)
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
				require.NoError(t, err)
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(cause) })
				start, n := time.Now(), 0
				for result, err := range c.SendAll(ctx, messages(t, 50, 5000, "b")) {
					checkHonest(t, result, err)
					require.NotEqual(t, Accepted, result.Outcome)
					if n++; result.Outcome == Unknown {
						require.Equal(t, "CHUNKING", offer)
					}
				}
				require.Equal(t, 50, n)
				require.Equal(t, time.Second, time.Since(start))
			})
		})
	}
}

// Who wants to say something else while answers are awaited waits for them, for as long
// as its context says, and not at all once they will never come.
func TestClientStart_ThenNoop(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			near, far := pipe(t)
			go func() {
				script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n", "")
				time.Sleep(time.Minute)
				if lost {
					far.Close()
					return
				}
				io.WriteString(far, "250 ok\r\n250 ok\r\n250 queued\r\n")
				script(far, "", "250 still here\r\n")
			}()
			c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
			require.NoError(t, err)
			sent := c.Start(t.Context(), envelope(t, "b"), strings.NewReader("one\r\n"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			require.ErrorIs(t, c.Noop(ctx), context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(start))
			err = c.Noop(t.Context())
			result, errSent := sent.Wait()
			if lost {
				require.ErrorIs(t, err, ErrBroken)
				require.Equal(t, Unknown, result.Outcome)
				return
			}
			require.NoError(t, err)
			require.NoError(t, errSent)
			require.Equal(t, time.Minute, time.Since(start))
		})
	}
}

// A server that takes one command at a time keeps nobody for longer than he wants to wait.
func TestClientStart_CancelInStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		d, err := transcript.Parse([]byte(greeted("X-NONE") + "C: MAIL FROM:<a@example.org>\nS: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\n" +
			"C: DATA\nS: 354 go\nC: one\nC: .\n"))
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.PlayServer(t, far)
			io.Copy(io.Discard, far) // and says no more
		}()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org"})
		require.NoError(t, err)
		env := envelope(t, "b")
		first := c.Start(t.Context(), env, strings.NewReader("one\r\n"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		second := c.Start(ctx, env, strings.NewReader("two\r\n"))
		t.Log(time.Since(start))
		require.Equal(t, time.Second, time.Since(start))
		result, err := first.Wait()
		checkResult(t, env, result, err, Unknown, StepEnd, 0)
		result, err = second.Wait()
		checkResult(t, env, result, err, Refused, StepConnect, 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		<-done
	})
}

// A body that panics takes nothing with it but the connection, and the loop that
// ends early waits for what is under way.
func TestClientSendAll_Panic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := sinking(t, ClientConfig{}, "PIPELINING", "CHUNKING")
		bodies := []io.Reader{stream("one\r\n"), io.MultiReader(strings.NewReader(lines(100_000)), readerFunc(func() { panic("no") }))}
		require.PanicsWithValue(t, "no", func() {
			for _, err := range c.SendAll(t.Context(), func(yield func(Message) bool) {
				for _, body := range bodies {
					if !yield(Message{envelope(t, "b"), body}) {
						return
					}
				}
			}) {
				require.NoError(t, err)
			}
		})
		<-s.done
		require.Equal(t, []string{"one\r\n"}, s.messages)
		require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)

		c, s = sinking(t, ClientConfig{}, "PIPELINING", "CHUNKING")
		taken := 0
		for _, err := range c.SendAll(t.Context(), messages(t, 1000, 10, "b")) {
			require.NoError(t, err)
			if taken++; taken == 5 {
				break
			}
		}
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
		require.GreaterOrEqual(t, len(s.messages), 5)
		require.LessOrEqual(t, len(s.messages), 5+maxUnderWay)
	})
}

// Messages may be started by several goroutines, and other operations wait for
// the answers.
func TestClientStart_Concurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := farAway(t, 5*time.Millisecond)
		s := (&sink{conn: far, offers: []string{"PIPELINING", "CHUNKING"}}).start()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		var all sync.WaitGroup
		start := time.Now()
		for range 4 {
			all.Go(func() {
				for _, err := range c.SendAll(t.Context(), messages(t, 25, 200, "b")) {
					if err != nil {
						t.Error(err)
					}
				}
			})
			all.Go(func() {
				if err := c.Noop(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := c.Send(t.Context(), envelope(t, "c"), stream(lines(100_000))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Less(t, time.Since(start), time.Second)
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
		require.Equal(t, 104, len(s.messages))
	})
}

// No more is under way at a time than the limits say, and a message larger than
// those goes alone.
func TestClientStart_Limits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		go func() {
			script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n")
			io.Copy(io.Discard, far)
		}()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all []*Sent
		for range maxUnderWay / 2 {
			all = append(all, c.Start(ctx, envelope(t, "b"), stream(lines(unitSize))))
		}
		require.Zero(t, ctx.Err(), "there is room")
		late := c.Start(ctx, envelope(t, "b"), stream("x\r\n"))
		require.Error(t, ctx.Err(), "there was none")
		result, err := late.Wait()
		checkResult(t, envelope(t, "b"), result, err, Refused, StepConnect, 0)
		for _, sent := range all {
			result, _ := sent.Wait()
			require.Equal(t, Unknown, result.Outcome)
		}
	})
}

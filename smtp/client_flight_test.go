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
	"testing/iotest"
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

// A connection that is lost leaves unknown what had left by BDAT, and everything
// behind that unsent.
func TestClientStart_Lost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		go func() {
			script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n250 queued\r\n")
			synctest.Wait()
			io.WriteString(far, "250 ok\r\n")
			synctest.Wait()
			far.Close()
		}()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		var all []*Sent
		for m := range messages(t, 3, 10, "b") {
			all = append(all, c.Start(t.Context(), m.Envelope, m.Body))
		}
		for i, want := range []Outcome{Accepted, Unknown, Unknown} {
			result, err := all[i].Wait()
			checkHonest(t, result, err)
			require.Equal(t, want, result.Outcome, "%v", err)
		}
		result, err := c.Start(t.Context(), envelope(t, "b"), stream("x")).Wait()
		checkResult(t, envelope(t, "b"), result, err, Refused, StepConnect, 0)
		require.ErrorIs(t, err, ErrBroken)
	})
}

// A server that says 421 and nothing more has taken nothing of what left behind it. One
// that goes on, be it a little later, may have.
func TestClientStart_Farewell(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		says []string // behind the answer to the first message, a moment between two
		ends bool
		want []Outcome
	}{
		"at once":                 {[]string{"421 4.3.2 bye\r\n"}, true, []Outcome{Accepted, Refused, Refused}},
		"and stays connected":     {[]string{"421 4.3.2 bye\r\n"}, false, []Outcome{Accepted, Refused, Refused}},
		"for a recipient":         {[]string{"250 ok\r\n421 later\r\n"}, true, []Outcome{Accepted, Refused, Refused}},
		"for a message":           {[]string{"250 ok\r\n250 ok\r\n421 later\r\n"}, true, []Outcome{Accepted, Refused, Refused}},
		"goes on":                 {[]string{"250 ok\r\n421 later\r\n503 nobody\r\n250 ok\r\n250 ok\r\n250 queued\r\n"}, false, []Outcome{Accepted, Unknown, Unknown}},
		"goes on later":           {[]string{"250 ok\r\n421 later\r\n", "503 nobody\r\n250 ok\r\n250 ok\r\n250 queued\r\n"}, false, []Outcome{Accepted, Unknown, Unknown}},
		"goes on, in other words": {[]string{"250 ok\r\n421 later\r\n", "what?\n"}, false, []Outcome{Accepted, Unknown, Unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				go func() {
					script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n250 queued\r\n")
					synctest.Wait()
					for i, text := range tt.says {
						time.Sleep(time.Duration(i) * 100 * time.Millisecond)
						io.WriteString(far, text)
					}
					if tt.ends {
						far.Close()
					}
					io.Copy(io.Discard, far)
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
				require.NoError(t, err)
				var all []*Sent
				for m := range messages(t, 3, 10, "b") {
					all = append(all, c.Start(t.Context(), m.Envelope, m.Body))
				}
				begin := time.Now()
				for i, want := range tt.want {
					result, err := all[i].Wait()
					checkHonest(t, result, err)
					require.Equal(t, want, result.Outcome, "%d: %v", i, err)
					require.Equal(t, want == Refused, SafeToRetry(err), "%d: %v", i, err)
				}
				require.LessOrEqual(t, time.Since(begin), 2*time.Second)
				require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
			})
		})
	}
}

// A message that cannot be completed leaves no other in doubt that was sent before it and
// has an answer.
func TestClientStart_FailsBehind(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, tt := range map[string]struct {
		second io.Reader
		leaves bool
	}{
		"its body fails": {&secondTime{
			Reader: strings.NewReader(lines(200_000)), then: io.MultiReader(strings.NewReader(lines(100_000)), iotest.ErrReader(boom)),
		}, false},
		"the server leaves": {strings.NewReader(lines(200_000)), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				go func() {
					script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n")
					if !tt.leaves {
						go io.Copy(io.Discard, far)
					}
					time.Sleep(time.Second)
					io.WriteString(far, "250 ok\r\n250 ok\r\n250 queued\r\n")
					if tt.leaves {
						io.WriteString(far, "421 bye\r\n")
						far.Close()
					}
				}()
				defer func() {
					near.Close()
					far.Close()
					time.Sleep(time.Minute)
				}()
				c, err := NewClient(t.Context(), newLate(t, near), "", &ClientConfig{TLS: InsecureNoTLS})
				require.NoError(t, err)
				first := c.Start(t.Context(), envelope(t, "b"), strings.NewReader("plain\r\n"))
				second := c.Start(t.Context(), envelope(t, "b"), tt.second)
				result, err := first.Wait()
				checkResult(t, envelope(t, "b"), result, err, Accepted, "", 250)
				result, err = second.Wait()
				require.Equal(t, Refused, result.Outcome)
				require.True(t, SafeToRetry(err), "%v", err)
				if !tt.leaves {
					require.ErrorIs(t, err, boom)
				}
				require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
			})
		})
	}
}

// late is a connection whose octets are there to be read a moment after they have come.
type late struct {
	net.Conn
	in net.Conn
}

func newLate(t *testing.T, nc net.Conn) net.Conn {
	in, out := pipe(t)
	go func() {
		defer out.Close()
		buf := make([]byte, 4<<10)
		for {
			n, err := nc.Read(buf)
			time.Sleep(10 * time.Millisecond)
			out.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return &late{nc, in}
}

func (l *late) Read(p []byte) (int, error)         { return l.in.Read(p) }
func (l *late) SetReadDeadline(t time.Time) error  { return l.in.SetReadDeadline(t) }
func (l *late) SetWriteDeadline(t time.Time) error { return l.Conn.SetWriteDeadline(t) }

func (l *late) SetDeadline(t time.Time) error {
	return errors.Join(l.in.SetReadDeadline(t), l.Conn.SetWriteDeadline(t))
}

func (l *late) Close() error { return errors.Join(l.in.Close(), l.Conn.Close()) }

// A server that left between two messages of a slow sequence has got nothing of the
// second, and nobody says otherwise.
func TestClientStart_GoneMeanwhile(t *testing.T) {
	t.Parallel()
	for _, offers := range []string{"PIPELINING CHUNKING", "PIPELINING"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer ln.Close()
		near, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		far, err := ln.Accept()
		require.NoError(t, err)
		s := (&sink{conn: far, offers: strings.Fields(offers)}).start()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org"})
		require.NoError(t, err)
		env := envelope(t, "b")
		_, err = c.Start(t.Context(), env, strings.NewReader("one\r\n")).Wait()
		require.NoError(t, err)
		require.NoError(t, far.(*net.TCPConn).CloseWrite())
		require.Eventually(t, c.conn.Waiting, time.Minute, time.Millisecond)
		result, err := c.Start(t.Context(), env, strings.NewReader("two\r\n")).Wait()
		checkResult(t, env, result, err, Refused, StepMail, 0)
		require.True(t, SafeToRetry(err))
		<-s.done
		require.Equal(t, []string{"one\r\n"}, s.messages)
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

// A loop that is left while answers are awaited leaves no message behind that nobody
// knows about.
func TestClientSendAll_LeftAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := farAway(t, 10*time.Millisecond)
		s := (&sink{conn: far, offers: []string{"CHUNKING", "PIPELINING"}}).start()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		for result, err := range c.SendAll(t.Context(), messages(t, 5, 100, "b")) {
			require.NoError(t, err)
			require.Equal(t, Accepted, result.Outcome)
			break
		}
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
		require.Len(t, s.messages, 5)
	})
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

package smtp

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

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

func (l *late) Read(p []byte) (int, error) { return l.in.Read(p) }

func (l *late) SetReadDeadline(t time.Time) error { return l.in.SetReadDeadline(t) }

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

package smtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

func TestClientSend_Bodies(t *testing.T) {
	t.Parallel()
	long := lines(300_000)
	for name, body := range map[string]func() io.Reader{
		"in memory":   func() io.Reader { return bytes.NewReader([]byte(long)) },
		"text":        func() io.Reader { return strings.NewReader(long) },
		"buffer":      func() io.Reader { return bytes.NewBufferString(long) },
		"stream":      func() io.Reader { return stream(long) },
		"octets":      func() io.Reader { return iotest.OneByteReader(strings.NewReader(long[:94_000])) },
		"with EOF":    func() io.Reader { return iotest.DataErrReader(strings.NewReader(long)) },
		"last line":   func() io.Reader { return stream(strings.TrimSuffix(long, "\r\n")) },
		"small":       func() io.Reader { return strings.NewReader(long[:470]) },
		"8-bit":       func() io.Reader { return stream("\xff" + long) },
		"dots":        func() io.Reader { return stream(strings.Repeat(".\r\n", 50_000)) },
		"no octet":    func() io.Reader { return stream("") },
		"one CRLF":    func() io.Reader { return strings.NewReader("\r\n") },
		"just small":  func() io.Reader { return strings.NewReader(strings.Repeat(".\r\n", 5461) + "x") },
		"just larger": func() io.Reader { return strings.NewReader(strings.Repeat(".\r\n", 5462)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := sinking(t, ClientConfig{})
				want, err := io.ReadAll(body())
				require.NoError(t, err)
				if n := len(want); n > 0 && want[n-1] != '\n' {
					want = append(want, "\r\n"...)
				}
				for range 2 {
					result, err := c.Send(t.Context(), envelope(t, "b"), body())
					checkResult(t, envelope(t, "b"), result, err, Accepted, "", 250)
				}
				require.NoError(t, c.Quit(t.Context()))
				<-s.done
				require.Len(t, s.messages, 2)
				require.True(t, s.messages[0] == string(want) && s.messages[1] == string(want))
			})
		})
	}
}

func TestClientSend_Normalize(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := sinking(t, ClientConfig{NormalizeLineEnds: true})
		for _, body := range []io.Reader{strings.NewReader("a\nb\rc\r\n.\n"), stream("a\nb\rc\r\n.\n")} {
			_, err := c.Send(t.Context(), envelope(t, "b"), body)
			require.NoError(t, err)
		}
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
		require.Equal(t, []string{"a\r\nb\r\nc\r\n.\r\n", "a\r\nb\r\nc\r\n.\r\n"}, s.messages)
	})
}

// secondTime is a body that is sound when it is looked through, and fails when it
// is sent.
type secondTime struct {
	*strings.Reader
	then   io.Reader
	rewind int
}

func (s *secondTime) Seek(offset int64, whence int) (int64, error) {
	s.rewind++
	return s.Reader.Seek(offset, whence)
}

func (s *secondTime) Read(p []byte) (int, error) {
	if s.rewind == 2 {
		return s.then.Read(p)
	}
	return s.Reader.Read(p)
}

func (s *secondTime) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, struct{ io.Reader }{s}) }

// A body that is not read to its end is never taken for a whole one: the end of
// the data does not leave, and the connection is closed at once, unless nothing has
// been sent yet.
func TestClientSend_Truncation(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for failure, fail := range map[string]func(t *testing.T, cancel func()) io.Reader{
		"error": func(*testing.T, func()) io.Reader { return iotest.ErrReader(boom) },
		"panic": func(*testing.T, func()) io.Reader { return readerFunc(func() { panic(boom) }) },
		"exit":  func(*testing.T, func()) io.Reader { return readerFunc(runtime.Goexit) },
		"cancel": func(_ *testing.T, cancel func()) io.Reader {
			return io.MultiReader(readerFunc(cancel), strings.NewReader(lines(100_000)))
		},
		"NUL":   func(*testing.T, func()) io.Reader { return strings.NewReader("\x00\r\n") },
		"LF":    func(*testing.T, func()) io.Reader { return strings.NewReader("x\n.\n\r\n") },
		"CR":    func(*testing.T, func()) io.Reader { return strings.NewReader("x\r") },
		"8-bit": func(*testing.T, func()) io.Reader { return strings.NewReader("\x80") },
		"lazy":  func(*testing.T, func()) io.Reader { return lazy{} },
	} {
		for _, n := range []int{0, 1, 5_000, 50_000, 500_000} {
			for _, known := range []bool{false, true} {
				early := n < headSize
				if known && (early || failure == "cancel") {
					continue // it is not read a second time
				}
				t.Run(fmt.Sprintf("%s after %d, known %v", failure, n, known), func(t *testing.T) {
					t.Parallel()
					if failure == "8-bit" {
						rfc.Covers(t, "rfc5321-2.4-3")
					}
					synctest.Test(t, func(t *testing.T) {
						c, s := sinking(t, ClientConfig{})
						ctx, cancel := context.WithCancelCause(t.Context())
						body := io.MultiReader(strings.NewReader(lines(n)), fail(t, func() { cancel(boom) }))
						if known {
							_, err := io.CopyN(io.Discard, body, headSize) // which is not read a second time
							require.NoError(t, err)
							body = &secondTime{Reader: strings.NewReader(lines(n)), then: body}
						}
						env := envelope(t, "b")
						env.Body = Body7Bit
						returned := make(chan struct{})
						var result *Result
						var err error
						var panicked any
						go func() {
							defer close(returned)
							defer func() { panicked = recover() }()
							result, err = c.Send(ctx, env, body)
						}()
						<-returned
						if early {
							if failure != "cancel" { // the context of a test is over by then
								require.NoError(t, c.Noop(t.Context()), "nothing has happened")
							}
							c.Close()
						}
						<-s.done // the connection is closed
						require.Zero(t, len(s.messages), "accepted")
						require.True(t, strings.HasPrefix(lines(n)+"x", s.rest) || failure != "error", "nothing but the body")
						if !early {
							require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
						}

						switch failure {
						case "panic":
							require.Equal(t, boom, panicked, "the caller's panic is the caller's")
							return
						case "exit":
							return
						}
						require.Nil(t, panicked)
						step := StepBody
						if early {
							step = StepCheck
							require.Empty(t, s.rest)
						}
						checkResult(t, env, result, err, Refused, step, 0)
						framing := new(FramingError)
						if known && failure == "CR" {
							require.ErrorIs(t, err, ErrBodyChanged)
							return
						}
						switch failure {
						case "NUL", "LF", "CR":
							require.ErrorAs(t, err, &framing)
							require.False(t, SafeToRetry(err))
						case "8-bit":
							require.ErrorIs(t, err, ErrNot7Bit)
							require.False(t, SafeToRetry(err))
						case "lazy":
							require.ErrorIs(t, err, io.ErrNoProgress)
						default:
							require.ErrorIs(t, err, boom)
							require.True(t, SafeToRetry(err))
						}
					})
				})
			}
		}
	}
}

// readerFunc is a reader that does something and has nothing to read.
type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// What is wrong with a body that can be rewound is found before anything is sent.
func TestClientSend_FoundBeforehand(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6152-3-5")
	synctest.Test(t, func(t *testing.T) {
		c, far := ready(t, ClientConfig{}, "PIPELINING", "SIZE 10")
		env := envelope(t, "b")
		check := func(env Envelope, body io.Reader) error {
			result, err := c.Send(t.Context(), env, body)
			checkResult(t, env, result, err, Refused, StepCheck, 0)
			require.False(t, SafeToRetry(err))
			return err
		}
		require.EqualError(t, check(env, strings.NewReader("a\nb")), "smtp: not sent: check: bare LF at octet 1")
		size := new(SizeError)
		require.ErrorAs(t, check(env, strings.NewReader("123456789")), &size, "with CRLF it is 11")
		require.Equal(t, SizeError{Size: 11, Max: 10}, *size)
		missing := new(ExtensionError)
		require.ErrorAs(t, check(env, strings.NewReader("\xff")), &missing)
		require.Equal(t, "8BITMIME", missing.Keyword)
		env.Body = Body8BitMIME
		require.ErrorAs(t, check(env, stream("\xff")), &missing)
		require.ErrorAs(t, check(env, stream(lines(100_000))), &missing, "nobody knows what is in there")
		env.Body = Body7Bit
		require.ErrorIs(t, check(env, strings.NewReader("\xff")), ErrNot7Bit)
		env.Size = 11
		require.ErrorAs(t, check(env, stream(lines(100_000))), &size)
		require.PanicsWithValue(t, "x", func() {
			c.Send(t.Context(), env, &secondTime{Reader: strings.NewReader(""), then: readerFunc(func() { panic("x") }), rewind: 2})
		})

		// None of that has done any harm.
		go io.WriteString(far, "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n")
		env = envelope(t, "b")
		env.Body = Body8BitMIME
		_, err := c.Send(t.Context(), env, strings.NewReader("7bit\r\n"))
		require.NoError(t, err)
		c.Close()
		wrote, _ := io.ReadAll(far)
		require.Equal(t, "MAIL FROM:<a@example.org> SIZE=6\r\nRCPT TO:<b@example.org>\r\nDATA\r\n7bit\r\n.\r\n", string(wrote))
	})
}

// endless is a text without an end, and tells how much of it was read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n+2 <= len(p) {
		n += copy(p[n:], "\r\n")
	}
	e.read += n
	return n, nil
}

// A server that answers amid the data is not sent the rest, whatever it answers,
// and whether it reads on or not.
func TestClientSend_EarlyAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		answer string
		code   int
	}{
		{"552 5.3.4 too big\r\n", 552},
		{"421 shutting down\r\n", 421},
		{"250 ok\r\n", 0},
		{"354 go on\r\n", 0},
		{"nonsense\r\n", 0},
		{"", 0},
	} {
		for _, reads := range []bool{false, true} {
			t.Run(fmt.Sprintf("%q, reads %v", tt.answer, reads), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					near, far := pipe(t)
					go func() {
						script(far, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n354 go\r\n")
						far.Read(make([]byte, 1000))
						io.WriteString(far, tt.answer)
						if tt.answer == "" {
							far.CloseWrite()
						}
						if reads {
							io.Copy(io.Discard, far)
						}
					}()
					c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
					require.NoError(t, err)
					body := new(endless)
					start := time.Now()
					result, err := c.Send(t.Context(), envelope(t, "b"), body)
					require.Zero(t, time.Since(start), "there is no waiting")
					checkResult(t, envelope(t, "b"), result, err, Refused, StepBody, tt.code)
					protocol := new(ProtocolError)
					require.Equal(t, tt.code == 0 && tt.answer != "", errors.As(err, &protocol), "%v", err)
					require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
					if !reads {
						require.Less(t, body.read, 200_000)
					}
				})
			})
		}
	}
}

// Wherever the connection is cut, the client does not say more than it knows.
func TestClientSend_CutAnywhere(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 20_000} {
		group := len("EHLO client.example.org\r\nMAIL FROM:<a@example.org> SIZE=00000\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
		answers := len("220 mx.example.org\r\n" + sinkHello + "250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n")
		for _, side := range []string{"client", "server"} {
			last := answers
			if side == "client" {
				last = group + len(lines(size)) + len(".\r\n")
			}
			var cuts []int
			for n := 0; n < last; n++ {
				if size == 100 || n < 200 || n > last-100 || n%997 == 0 {
					cuts = append(cuts, n)
				}
			}
			t.Run(fmt.Sprintf("%s of %d", side, size), func(t *testing.T) {
				t.Parallel()
				for _, n := range cuts {
					synctest.Test(t, func(t *testing.T) {
						near, far := pipe(t)
						if side == "client" {
							near.CutAfter(n)
						} else {
							far.CutAfter(n)
						}
						s := newSink(far)
						result, err := sendThrough(t, near, stream(lines(size)))
						<-s.done
						switch result.Outcome {
						case Refused:
							require.Error(t, err)
							require.True(t, SafeToRetry(err))
							require.Zero(t, len(s.messages), "cut after %d", n)
						case Unknown:
							require.Error(t, err)
							require.False(t, SafeToRetry(err))
						case Accepted:
							require.NoError(t, err)
							require.Equal(t, []string{lines(size)}, s.messages)
						}
						if len(s.messages) > 0 && n < last-2 {
							require.Equal(t, Unknown, result.Outcome, "cut after %d", n)
						}
					})
				}
			})
		}
	}
}

// sendThrough is the function Send on a connection that is there.
func sendThrough(t *testing.T, nc net.Conn, body io.Reader) (*Result, error) {
	env := envelope(t, "b")
	c, err := NewClient(t.Context(), nc, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org"})
	if err != nil {
		return newSending(nil, env).failed(StepConnect, Refused, err)
	}
	defer c.Close()
	return c.Send(t.Context(), env, body)
}

// An answer that does not come leaves the outcome unknown, after DataTimeout and
// not before; so does a context that ends meanwhile.
func TestClientSend_NoAnswer(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func() io.Reader{
		"small": func() io.Reader { return strings.NewReader(lines(100)) },
		"large": func() io.Reader { return strings.NewReader(lines(1_000_000)) },
	} {
		for end, want := range map[string]error{"timeout": os.ErrDeadlineExceeded, "cancel": context.Canceled} {
			t.Run(name+" "+end, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c, far := ready(t, ClientConfig{}, "PIPELINING")
					go func() {
						io.WriteString(far, "250 ok\r\n250 ok\r\n354 go\r\n")
						io.Copy(io.Discard, far)
					}()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					after := defaultDataTimeout
					if end == "cancel" {
						after = time.Minute
						time.AfterFunc(after, cancel)
					}
					start := time.Now()
					result, err := c.Send(ctx, envelope(t, "b"), body())
					require.Equal(t, after, time.Since(start))
					checkResult(t, envelope(t, "b"), result, err, Unknown, StepEnd, 0)
					require.ErrorIs(t, err, want)
					require.False(t, SafeToRetry(err))
				})
			})
		}
	}
}

// writes counts the writes that it hands on, and remembers them.
type writes struct {
	net.Conn
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.all = append(w.all, string(p))
	return w.Conn.Write(p)
}

// MAIL, RCPT and DATA leave in one write, and a small message in another.
func TestClientSend_OneFlight(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2920-3.1-1")
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		s := newSink(far)
		w := &writes{Conn: near}
		c, err := NewClient(t.Context(), w, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org"})
		require.NoError(t, err)
		w.all = nil
		_, err = c.Send(t.Context(), envelope(t, "b", "c", "d"), strings.NewReader("plain\r\n"))
		require.NoError(t, err)
		require.Equal(t, []string{
			"MAIL FROM:<a@example.org> SIZE=7\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nRCPT TO:<d@example.org>\r\nDATA\r\n",
			"plain\r\n.\r\n",
		}, w.all)
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
	})
}

// However small the windows, a group of many commands blocks neither side.
func TestClientSend_ManyRecipients(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2920-3.1-8")
	for _, window := range []int{1, 10_000} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				near.SetWriteBuffer(window)
				far.SetWriteBuffer(window)
				s := newSink(far)
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
				require.NoError(t, err)
				env := envelope(t)
				var codes []int
				for i := range 2000 {
					env.To = append(env.To, Recipient{Address: address(t, fmt.Sprintf("user%d@example.org", i))})
					codes = append(codes, 250)
				}
				result, err := c.Send(t.Context(), env, strings.NewReader("plain\r\n"))
				checkResult(t, env, result, err, Accepted, "", codes...)
				require.NoError(t, c.Quit(t.Context()))
				<-s.done
				require.Len(t, s.messages, 1)
			})
		})
	}
}

// A server that refuses and hangs up while a group is still being written has
// its words heard.
func TestClientSend_RefusedAmidGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		near.SetWriteBuffer(100)
		go func() {
			script(far, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", "421 not today\r\n")
			far.Close()
		}()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		env := envelope(t)
		for range 5000 {
			env.To = append(env.To, Recipient{Address: address(t, "user@example.org")})
		}
		_, err = c.Send(t.Context(), env, strings.NewReader("plain\r\n"))
		refused(421, true)(t, nil, err)
	})
}

// A connection that a write finds closed may hold the reason.
func TestClient_ReasonBehindFailedWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, far := ready(t, ClientConfig{}, "PIPELINING")
		io.WriteString(far, "421 idle for too long\r\n")
		far.Close()
		_, err := c.Send(t.Context(), envelope(t, "b"), strings.NewReader("plain\r\n"))
		refused(421, true)(t, nil, err)
	})
}

// mute fails to write the end of the data, whether it came through or not.
type mute struct{ net.Conn }

func (m mute) Write(p []byte) (int, error) {
	n, err := m.Conn.Write(p)
	if bytes.HasSuffix(p, []byte("\r\n.\r\n")) {
		err = io.ErrClosedPipe
	}
	return n, err
}

// Who cannot write the end of the data in full does not know whether it arrived,
// unless the server says so.
func TestClientSend_HalfEnded(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 100_000} {
		for answer, want := range map[string]Outcome{
			"250 ok\r\n": Accepted, "451 no\r\n": Refused, "": Unknown, "354 what\r\n": Unknown,
		} {
			t.Run(fmt.Sprintf("%d %q", size, answer), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					near, far := pipe(t)
					go func() {
						script(far, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n354 go\r\n")
						var all []byte
						for b := make([]byte, 100_000); !bytes.HasSuffix(all, []byte("\r\n.\r\n")); {
							n, err := far.Read(b)
							if err != nil {
								return
							}
							all = append(all, b[:n]...)
						}
						io.WriteString(far, answer)
					}()
					start := time.Now()
					c, err := NewClient(t.Context(), mute{near}, "", &ClientConfig{TLS: InsecureNoTLS})
					require.NoError(t, err)
					result, err := c.Send(t.Context(), envelope(t, "b"), strings.NewReader(lines(size)))
					require.Equal(t, want, result.Outcome, "%v", err)
					require.Equal(t, want == Refused, SafeToRetry(err))
					require.LessOrEqual(t, time.Since(start), grace)
					require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
				})
			})
		}
	}
}

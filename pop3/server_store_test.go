package pop3_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/pop3"
)

var errDisk = errors.New("disk on fire at /srv/mail/mrose")

// What a Store answers, and what the client reads of it. The session goes on, and
// a login that works follows.
func TestLoginErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*pop3.Server, *dropStore)
		want   string
		logged bool
		closed int
	}{
		{
			"Open fails", func(_ *pop3.Server, d *dropStore) { d.open = failOnce(errDisk) },
			"-ERR [SYS/TEMP] maildrop cannot be opened now", true, 0,
		},
		{
			"in use", func(_ *pop3.Server, d *dropStore) { d.open = failOnce(pop3.ErrInUse) },
			"-ERR [IN-USE] maildrop is in use by another session", false, 0,
		},
		{
			"an Error goes to the client", func(_ *pop3.Server, d *dropStore) {
				d.open = failOnce(&pop3.Error{Code: pop3.CodeLoginDelay, Text: "once a minute is enough"})
			},
			"-ERR [LOGIN-DELAY] once a minute is enough", false, 0,
		},
		{
			"List fails", func(_ *pop3.Server, d *dropStore) { d.list = listOnce(d, nil, errDisk) },
			"-ERR [SYS/TEMP] maildrop cannot be read now", true, 1,
		},
		{
			"unique-id of 71 octets", func(_ *pop3.Server, d *dropStore) {
				d.list = listOnce(d, []pop3.Info{{UID: "disk.on.fire" + strings.Repeat("x", 59)}}, nil)
			},
			"-ERR [SYS/PERM] maildrop is damaged", true, 1,
		},
		{
			"bad unique-id", func(_ *pop3.Server, d *dropStore) {
				d.list = listOnce(d, []pop3.Info{{UID: "disk on fire"}}, nil)
			},
			"-ERR [SYS/PERM] maildrop is damaged", true, 1,
		},
		{
			"the same unique-id twice", func(_ *pop3.Server, d *dropStore) {
				d.list = listOnce(d, []pop3.Info{{UID: "disk.on.fire"}, {UID: "disk.on.fire"}}, nil)
			},
			"-ERR [SYS/PERM] maildrop is damaged", true, 1,
		},
		{
			"the verifier fails", func(s *pop3.Server, _ *dropStore) {
				var asked atomic.Bool
				s.Auth = &auth.Server{InsecureAllowCleartext: true, Passwords: auth.PasswordFunc(
					func(context.Context, string, string) error {
						if asked.Swap(true) {
							return nil
						}
						return errDisk
					},
				)}
			},
			"-ERR [SYS/TEMP] login is not possible now", true, 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc1939-4-7", "rfc1939-4-8", "rfc1939-7-13")
			r := serverTest(t, tt.change)
			p := r.probe(t)
			p.want(t, "USER mrose", "+OK send the password")
			p.want(t, "PASS tanstaaf", tt.want)
			require.Equal(t, tt.logged, strings.Contains(r.logs.String(), "fire"))
			r.store.mu.Lock()
			require.Equal(t, tt.closed, r.store.closed, "released before the client read the answer")
			r.store.mu.Unlock()
			p.want(t, "STAT", "-ERR command not allowed in this state")
			p.want(t, "USER mrose", "+OK send the password")
			p.want(t, "PASS tanstaaf", "+OK maildrop has 2 messages (320 octets)")
		})
	}
}

func failOnce(err error) func(context.Context, *auth.Identity) error {
	var failed atomic.Bool
	return func(context.Context, *auth.Identity) error {
		if failed.Swap(true) {
			return nil
		}
		return err
	}
}

func listOnce(d *dropStore, list []pop3.Info, err error) func(context.Context) ([]pop3.Info, error) {
	return func(context.Context) ([]pop3.Info, error) {
		d.list = nil
		return list, err
	}
}

// The second session of a maildrop is refused, and let in after the first one's
// QUIT: the moment the client has read the answer.
func TestInUse(t *testing.T) {
	t.Parallel()
	r := serverTest(t, nil)
	first, second := r.login(t), r.probe(t)
	for range 3 {
		second.want(t, "USER mrose", "+OK send the password")
		second.want(t, "PASS tanstaaf", "-ERR [IN-USE] maildrop is in use by another session")
	}
	first.want(t, "QUIT", "+OK POP3 server signing off (2 messages left)")
	second.want(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm", "+OK maildrop has 2 messages (320 octets)")
}

// Commit is given what was marked, in order, and the client has its answer when
// that is done and not before.
func TestQuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []pop3.Info
		durable := make(chan struct{})
		r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
			d.commit = func(ctx context.Context, deleted []pop3.Info) error {
				got = deleted
				select {
				case <-durable:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
		p := r.login(t)
		p.want(t, "DELE 2", "+OK message 2 deleted")
		p.want(t, "DELE 1", "+OK message 1 deleted")
		p.send(t, "QUIT\r\n")
		answered := make(chan string, 1)
		go func() {
			rest, _ := io.ReadAll(p.r)
			answered <- string(rest)
		}()
		synctest.Wait()
		require.Empty(t, answered)
		require.Equal(t, []pop3.Info{{UID: "whqtswO00WBw418f9t5JxYwZ", Size: 120}, {UID: "QhdPYR:00WBw1Ph7x7", Size: 200}}, got)
		close(durable)
		require.Equal(t, "+OK POP3 server signing off (maildrop empty)\r\n", <-answered)
		require.Empty(t, r.store.left("mrose"))
	})
}

func TestQuitFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errDisk, "-ERR [SYS/TEMP] some deleted messages not removed"},
		{&pop3.Error{Code: pop3.CodeSysPerm, Text: "read-only"}, "-ERR [SYS/PERM] read-only"},
	} {
		r := serverTest(t, func(s *pop3.Server, d *dropStore) {
			s.MaxErrors = 1 // of which the answer to QUIT is the second, and the last in any case
			d.commit = func(context.Context, []pop3.Info) error { return tt.err }
		})
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		p.want(t, "DELE 1", "-ERR message 1 already deleted")
		p.want(t, "QUIT", tt.want)
		require.Empty(t, p.rest(t))
		require.Len(t, r.store.left("mrose"), 2)
		require.False(t, r.store.locked["mrose"])
	}
}

// Commit is for QUIT in TRANSACTION alone, also when nothing is to be removed.
func TestWhenCommitIsCalled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		say     string
		drop    bool
		commits int32
		removed int
	}{
		{"QUIT", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nQUIT\r\n", false, 1, 1},
		{"QUIT after RSET", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nRSET\r\nQUIT\r\n", false, 1, 0},
		{"QUIT before login", "QUIT\r\n", false, 0, 0},
		{"the connection ends", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\n", false, 0, 0},
		{"within a command", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nQUIT", false, 0, 0},
		{"with CR only", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nQUIT\r", false, 0, 0},
		{"with LF only", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nQUIT\n", false, 0, 0},
		{"QUIT with an argument", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nQUIT x\r\n", false, 0, 0},
		{"too many errors", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\n" + strings.Repeat("X\r\n", 20) + "QUIT\r\n", false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rfc.Covers(t, "rfc1939-6-3")
				var commits atomic.Int32
				r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
					d.commit = func(context.Context, []pop3.Info) error { commits.Add(1); return nil }
				})
				r.talk(t, tt.say)
				synctest.Wait()
				require.Equal(t, tt.commits, commits.Load())
				require.Len(t, r.store.left("mrose"), 2-tt.removed)
				require.False(t, r.store.locked["mrose"])
			})
		})
	}
}

// closeFails is a message, and a maildrop, that does not close as it should.
type closeFails struct{ io.Reader }

func (closeFails) Close() error { return errDisk }

// What does not close is logged, and is nothing to the client, to whom all has been given.
func TestMessageDoesNotClose(t *testing.T) {
	t.Parallel()
	r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
		d.message = func(context.Context, pop3.Info) (io.ReadCloser, error) {
			return closeFails{strings.NewReader(mroseOne)}, nil
		}
		d.closeErr = errDisk
	})
	p := r.login(t)
	p.want(t, "RETR 1", "+OK 120 octets")
	require.Contains(t, p.body(t), "leading dot")
	p.want(t, "QUIT", "+OK POP3 server signing off (2 messages left)")
	require.Empty(t, p.rest(t))
	require.Eventually(t, func() bool {
		return strings.Contains(r.logs.String(), "message not closed cleanly") && strings.Contains(r.logs.String(), "maildrop not closed cleanly")
	}, time.Minute, time.Millisecond)
}

// A message that cannot be opened is refused, and the session goes on.
func TestMessageCannotBeOpened(t *testing.T) {
	t.Parallel()
	err := errDisk
	r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
		d.message = func(context.Context, pop3.Info) (io.ReadCloser, error) { return nil, err }
	})
	p := r.login(t)
	p.want(t, "RETR 1", "-ERR [SYS/TEMP] message cannot be read now")
	p.want(t, "TOP 1 0", "-ERR [SYS/TEMP] message cannot be read now")
	require.Contains(t, r.logs.String(), "disk on fire")
	p.want(t, "QUIT", "+OK POP3 server signing off (2 messages left)")
}

// source is a message of the store that goes wrong, or not.
type source struct {
	io.Reader
	closed *atomic.Int32
}

func (s source) Close() error { s.closed.Add(1); return nil }

// writerTo is a source that writes itself, in pieces.
type writerTo struct {
	source
	pieces []string
	err    error
}

func (s writerTo) WriteTo(w io.Writer) (total int64, err error) {
	for _, p := range s.pieces {
		n, err := io.WriteString(w, p)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, s.err
}

// lfWriterTo is a source that stores lines that end in LF, and leaves it to the writer
// to complete them.
type lfWriterTo struct{ writerTo }

func (s lfWriterTo) WriteTo(w io.Writer) (total int64, err error) {
	for _, p := range s.pieces {
		n, err := w.(interface{ WriteLF([]byte) (int64, error) }).WriteLF([]byte(p))
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, s.err
}

// Whatever goes wrong once the +OK is said, the client never sees the end of a
// message that is not whole.
func TestMessageGoesWrong(t *testing.T) {
	t.Parallel()
	half := mroseOne[:60]
	for _, tt := range []struct {
		name    string
		command string
		source  func() io.Reader
		logged  string
	}{
		{"the reader fails", "RETR 1", func() io.Reader {
			return io.MultiReader(strings.NewReader(half), iotest.ErrReader(errDisk))
		}, "disk on fire"},
		{"too short", "RETR 1", func() io.Reader { return onlyReader{strings.NewReader(half)} }, "60 of 120 octets"},
		{"too long", "RETR 1", func() io.Reader { return onlyReader{strings.NewReader(mroseOne + "\r\n")} }, "longer than its size"},
		{"no line end", "RETR 1", func() io.Reader { return onlyReader{strings.NewReader(mroseOne[:118] + "xx")} }, "does not end in CRLF"},
		{"half a line end", "RETR 1", func() io.Reader { return onlyReader{strings.NewReader(mroseOne[:118] + "x\r")} }, "does not end in CRLF"},
		{"endless", "RETR 1", func() io.Reader { return endless{} }, "longer than its size"},
		{"writes too little", "RETR 1", func() io.Reader { return writerTo{pieces: []string{half}} }, "60 of 120 octets"},
		{"writes too much", "RETR 1", func() io.Reader { return writerTo{pieces: []string{mroseOne, "x"}} }, "longer than its size"},
		{"fails to write", "RETR 1", func() io.Reader { return writerTo{pieces: []string{half}, err: errDisk} }, "disk on fire"},
		{"stores too little", "RETR 1", func() io.Reader { return lfWriterTo{writerTo{pieces: []string{"a\n"}}} }, "3 of 120 octets"},
		{"stores too much", "RETR 1", func() io.Reader { return lfWriterTo{writerTo{pieces: []string{strings.Repeat("ab\n", 31)}}} }, "longer than its size"},
		{"TOP: the reader fails", "TOP 1 9", func() io.Reader {
			return io.MultiReader(strings.NewReader(half), iotest.ErrReader(errDisk))
		}, "disk on fire"},
		{"TOP: too short", "TOP 1 9", func() io.Reader { return strings.NewReader(half) }, "60 of 120 octets"},
		{"TOP: too long", "TOP 1 9", func() io.Reader { return strings.NewReader(mroseOne + "\r\n") }, "longer than its size"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var closed atomic.Int32
				r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
					d.message = func(context.Context, pop3.Info) (io.ReadCloser, error) {
						switch s := tt.source().(type) {
						case writerTo:
							s.closed = &closed
							return s, nil
						case lfWriterTo:
							s.closed = &closed
							return s, nil
						default:
							return source{s, &closed}, nil
						}
					}
				})
				p := r.login(t)
				p.want(t, "DELE 2", "+OK message 2 deleted")
				p.send(t, tt.command+"\r\nQUIT\r\n")
				got := p.rest(t)
				require.NotContains(t, got, "\r\n.\r\n")
				require.NotContains(t, got, "signing off")
				synctest.Wait()
				require.Contains(t, r.logs.String(), tt.logged)
				require.EqualValues(t, 1, closed.Load())
				require.Len(t, r.store.left("mrose"), 2)
				require.False(t, r.store.locked["mrose"])
			})
		})
	}
}

type onlyReader struct{ io.Reader }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, "xxxxxxxxxxxxxx\r\n"), nil }

// All kinds of sources deliver the same octets.
func TestSources(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func() io.Reader{
		"strings.Reader": func() io.Reader { return strings.NewReader(mroseTwo) },
		"no WriterTo":    func() io.Reader { return onlyReader{strings.NewReader(mroseTwo)} },
		"octet by octet": func() io.Reader { return iotest.OneByteReader(strings.NewReader(mroseTwo)) },
		"EOF with data":  func() io.Reader { return iotest.DataErrReader(strings.NewReader(mroseTwo)) },
		"pieces":         func() io.Reader { return writerTo{pieces: strings.SplitAfter(mroseTwo, "\r")} },
	} {
		r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
			d.message = func(context.Context, pop3.Info) (io.ReadCloser, error) {
				if w, ok := open().(writerTo); ok {
					w.source = source{strings.NewReader(mroseTwo), new(atomic.Int32)}
					return w, nil
				}
				return source{open(), new(atomic.Int32)}, nil
			}
		})
		p := r.login(t)
		p.send(t, "RETR 2\r\nTOP 2 1\r\nQUIT\r\n")
		require.Equal(t, "+OK 200 octets\r\n"+mroseTwo+".\r\n+OK top of message follows\r\nSubject: two\r\n\r\nline 1\r\n.\r\n"+
			"+OK POP3 server signing off (2 messages left)\r\n", p.rest(t), name)
	}
}

// A TOP that has all it needs does not care for what comes after.
func TestTopReadsNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
		d.message = func(context.Context, pop3.Info) (io.ReadCloser, error) {
			return source{io.MultiReader(strings.NewReader(mroseTwo[:30]), iotest.ErrReader(errDisk)), new(atomic.Int32)}, nil
		}
	})
	p := r.login(t)
	p.want(t, "TOP 2 1", "+OK top of message follows")
	for _, want := range []string{"Subject: two", "", "line 1", "."} {
		require.Equal(t, want, p.line(t))
	}
	p.want(t, "NOOP", "+OK")
}

// A Store that panics ends its session, not the server, and commits nothing.
func TestStorePanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
			d.message = func(context.Context, pop3.Info) (io.ReadCloser, error) { panic("out of cheese") }
		})
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		p.send(t, "RETR 2\r\nQUIT\r\n")
		require.Empty(t, p.rest(t))
		synctest.Wait()
		require.Contains(t, r.logs.String(), "out of cheese")
		require.Len(t, r.store.left("mrose"), 2)
		r.login(t).want(t, "STAT", "+OK 2 320")
	})
}

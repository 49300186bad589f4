package pop3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

// closeRecorder is a Listener that is of no use.
type closeRecorder struct{ closed bool }

func (l *closeRecorder) Accept() (net.Conn, error) { return nil, errors.New("no connections here") }
func (l *closeRecorder) Close() error              { l.closed = true; return nil }
func (l *closeRecorder) Addr() net.Addr            { return &net.TCPAddr{} }

// RFC 1939 section 3: the timer is of 10 minutes at least, and when it expires
// the connection is closed without a word and without a deletion.
func TestAutologout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		timeout time.Duration
		enter   []string
		send    string
		want    time.Duration
	}{
		{name: "silence after the greeting", want: 10 * time.Minute},
		{name: "a shorter timer is not allowed", timeout: time.Second, want: 10 * time.Minute},
		{name: "a longer one is", timeout: 30 * time.Minute, want: 30 * time.Minute},
		{name: "after USER", enter: []string{"USER mrose"}, want: 10 * time.Minute},
		{name: "within AUTH", enter: []string{"AUTH LOGIN"}, want: 10 * time.Minute},
		{name: "in TRANSACTION", enter: []string{"USER mrose", "PASS tanstaaf"}, want: 10 * time.Minute},
		{name: "with a mark", enter: []string{"USER mrose", "PASS tanstaaf", "DELE 1"}, want: 10 * time.Minute},
		{name: "within a line", enter: []string{"USER mrose", "PASS tanstaaf", "DELE 1"}, send: "QUI", want: 10 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rfc.Covers(t, "rfc1939-3-23", "rfc1939-3-25")
				r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.IdleTimeout = tt.timeout })
				p := r.probe(t)
				for _, c := range tt.enter {
					p.say(t, c)
				}
				p.send(t, tt.send)
				began := time.Now()
				require.Empty(t, p.rest(t))
				require.Equal(t, tt.want, time.Since(began).Round(time.Second))
				synctest.Wait()
				require.Len(t, r.store.left("mrose"), 2)
				require.False(t, r.store.locked["mrose"])
			})
		})
	}
}

// Any command resets the timer, though octets that drip do not.
func TestAutologoutIsReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rfc.Covers(t, "rfc1939-3-24")
		r := serverTest(t, nil)
		p := r.login(t)
		for range 10 {
			time.Sleep(9 * time.Minute)
			p.want(t, "NOOP", "+OK")
		}
		began := time.Now()
		p.every(t, time.Minute, "N")
		require.Empty(t, p.rest(t))
		require.Equal(t, 10*time.Minute, time.Since(began).Round(time.Second))
	})
}

func TestSessionTimeout(t *testing.T) {
	t.Parallel()
	for limit, want := range map[time.Duration]time.Duration{0: 24 * time.Hour, time.Hour: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.SessionTimeout = limit })
			began := time.Now()
			p := r.login(t)
			p.want(t, "DELE 1", "+OK message 1 deleted")
			p.every(t, 5*time.Minute, "NOOP\r\n")
			rest := p.rest(t)
			require.Empty(t, strings.ReplaceAll(rest, "+OK\r\n", ""))
			require.Equal(t, want, time.Since(began).Round(time.Second))
			synctest.Wait()
			require.Len(t, r.store.left("mrose"), 2)
			require.Contains(t, r.logs.String(), "session took too long")
		})
	}
}

// A client that does not read is not waited for longer than Timeout, one that
// reads too little not for ever.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789\r\n", 1<<16)
	for _, tt := range []struct {
		name   string
		every  time.Duration // a read of 1 KiB; 0 for none
		whole  bool
		atMost time.Duration
	}{
		{"stalled", 0, false, 2 * 5 * time.Minute},
		{"below the rate", time.Minute, false, 2 * time.Hour},
		{"slow but steady", time.Second, true, 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := serverTest(t, func(_ *pop3.Server, store *dropStore) {
					store.drops["mrose"] = []mail{{"big", big}}
				})
				p := r.login(t)
				began := time.Now()
				p.send(t, "RETR 1\r\n")
				var read int
				if tt.every == 0 {
					time.Sleep(tt.atMost)
				} else {
					buf := make([]byte, 1<<10)
					for {
						n, err := p.r.Read(buf)
						if read += n; err != nil || read > len(big) {
							break
						}
						time.Sleep(tt.every)
					}
				}
				require.LessOrEqual(t, time.Since(began), tt.atMost)
				require.Equal(t, tt.whole, read > len(big))
				if !tt.whole {
					time.Sleep(time.Second)
					synctest.Wait()
					require.False(t, r.store.locked["mrose"], "the session is over")
				}
			})
		})
	}
}

// What the store and the verifier do is bounded too.
func TestStoreThatHangs(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, tt := range map[string]struct {
		change func(*pop3.Server, *dropStore)
		enter  []string
		say    string
		want   string
	}{
		"verifier": {
			func(s *pop3.Server, _ *dropStore) {
				s.Auth = &auth.Server{InsecureAllowCleartext: true, Passwords: auth.PasswordFunc(
					func(ctx context.Context, _, _ string) error { return hang(ctx) },
				)}
			},
			[]string{"USER mrose"},
			"PASS x", "-ERR [SYS/TEMP] login is not possible now",
		},
		"Open": {
			func(_ *pop3.Server, d *dropStore) {
				d.open = func(ctx context.Context, _ *auth.Identity) error { return hang(ctx) }
			},
			[]string{"USER mrose"},
			"PASS tanstaaf", "-ERR [SYS/TEMP] maildrop cannot be opened now",
		},
		"List": {
			func(_ *pop3.Server, d *dropStore) {
				d.list = func(ctx context.Context) ([]pop3.Info, error) { return nil, hang(ctx) }
			},
			[]string{"USER mrose"},
			"PASS tanstaaf", "-ERR [SYS/TEMP] maildrop cannot be read now",
		},
		"Message": {
			func(_ *pop3.Server, d *dropStore) {
				d.message = func(ctx context.Context, _ pop3.Info) (io.ReadCloser, error) { return nil, hang(ctx) }
			},
			[]string{"USER mrose", "PASS tanstaaf"},
			"RETR 1", "-ERR [SYS/TEMP] message cannot be read now",
		},
		"Commit": {
			func(_ *pop3.Server, d *dropStore) {
				d.commit = func(ctx context.Context, _ []pop3.Info) error { return hang(ctx) }
			},
			[]string{"USER mrose", "PASS tanstaaf", "DELE 1"},
			"QUIT", "-ERR [SYS/TEMP] some deleted messages not removed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := serverTest(t, tt.change)
				p := r.probe(t)
				for _, c := range tt.enter {
					p.say(t, c)
				}
				began := time.Now()
				p.want(t, tt.say, tt.want)
				require.Equal(t, 5*time.Minute, time.Since(began).Round(time.Second))
				require.Len(t, r.store.left("mrose"), 2)
			})
		})
	}
}

// What the Store is asked ends for the reason why nobody waits for it any more.
func TestCauseForTheStore(t *testing.T) {
	t.Parallel()
	ends := map[string]struct {
		timeout time.Duration
		end     func(*rig)
		want    string
	}{
		"the server is closed":       {time.Hour, func(r *rig) { r.Close() }, pop3.ErrServerClosed.Error()},
		"it takes too long":          {20 * time.Minute, func(*rig) { time.Sleep(20 * time.Minute) }, context.DeadlineExceeded.Error()},
		"the session takes too long": {time.Hour, func(*rig) { time.Sleep(30 * time.Minute) }, "pop3: session took too long"},
	}
	asked := map[string]func(d *dropStore, hang func(context.Context) error){
		"PASS tanstaaf": func(d *dropStore, hang func(context.Context) error) {
			d.open = func(ctx context.Context, _ *auth.Identity) error { return hang(ctx) }
		},
		"RETR 1": func(d *dropStore, hang func(context.Context) error) {
			d.message = func(ctx context.Context, _ pop3.Info) (io.ReadCloser, error) { return nil, hang(ctx) }
		},
	}
	for why, tt := range ends {
		for command, change := range asked {
			t.Run(why+", "+command, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					causes := make(chan error, 1)
					r := serverTest(t, func(s *pop3.Server, d *dropStore) {
						s.Timeout, s.SessionTimeout = tt.timeout, 30*time.Minute
						change(d, func(ctx context.Context) error {
							<-ctx.Done()
							causes <- context.Cause(ctx)
							return ctx.Err()
						})
					})
					p := r.probe(t)
					p.want(t, "USER mrose", "+OK send the password")
					if command != "PASS tanstaaf" {
						p.say(t, "PASS tanstaaf")
					}
					p.send(t, command+"\r\n")
					synctest.Wait()
					require.Empty(t, causes)
					tt.end(r)
					require.EqualError(t, <-causes, tt.want)
				})
			})
		}
	}
}

// The answer to a wrong password is held back, longer each time.
func TestFailureDelay(t *testing.T) {
	t.Parallel()
	for first, want := range map[time.Duration][]time.Duration{
		0:                {500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second},
		10 * time.Second: {10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute},
		-1:               {0, 0, 0, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.FailureDelay = first }).probe(t)
			for _, delay := range want {
				began := time.Now()
				require.Regexp(t, `^-ERR \[AUTH\] `, p.say(t, "AUTH PLAIN AG1yb3NlAHdyb25n"))
				require.Equal(t, delay, time.Since(began))
			}
		})
	}
}

// So is the answer to what else is refused, from half of the errors on that a session
// may make.
func TestErrorDelay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		delay time.Duration
		max   int
		login bool
		want  []int // seconds before each reply
	}{
		{0, 0, false, []int{0, 0, 0, 0, 1, 1, 1, 1, 1, 1}},
		{0, 3, true, []int{0, 0, 1, 1, 1, 1}},
		{5 * time.Second, 4, false, []int{0, 5, 5, 5}},
		{-1, 4, false, []int{0, 0, 0, 0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.ErrorDelay, s.MaxErrors = tt.delay, tt.max }).probe(t)
			if tt.login {
				p.want(t, "USER mrose", "+OK send the password")
				p.want(t, "PASS tanstaaf", "+OK maildrop has 2 messages (320 octets)")
			}
			for i, want := range tt.want {
				began := time.Now()
				require.Regexp(t, `^-ERR `, p.say(t, "BOGUS"))
				require.Equal(t, time.Duration(want)*time.Second, time.Since(began), "reply %d", i)
			}
			require.Empty(t, p.rest(t))
		})
	}
}

// Nobody waits for such a delay: neither what was answered before, nor Shutdown,
// nor Close.
func TestFailureDelayIsCutShort(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*rig, *prober) {
		r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.FailureDelay = time.Minute })
		p := r.probe(t)
		p.send(t, "USER mrose\r\nPASS wrong\r\n")
		began := time.Now()
		require.Equal(t, "+OK send the password", p.line(t))
		require.Zero(t, time.Since(began))
		synctest.Wait()
		return r, p
	}
	t.Run("Shutdown", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r, p := start(t)
			began := time.Now()
			require.NoError(t, r.Shutdown(t.Context()))
			require.Zero(t, time.Since(began))
			require.Equal(t, "-ERR [AUTH] login refused\r\n-ERR [SYS/TEMP] server is shutting down\r\n", p.rest(t))
		})
	})
	t.Run("Close", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r, p := start(t)
			began := time.Now()
			require.NoError(t, r.Close())
			require.Zero(t, time.Since(began))
			require.Empty(t, p.rest(t))
		})
	})
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	for name, enter := range map[string][]string{
		"AUTHORIZATION":    nil,
		"after USER":       {"USER mrose"},
		"within AUTH":      {"AUTH LOGIN"},
		"TRANSACTION":      {"USER mrose", "PASS tanstaaf"},
		"marks taken back": {"USER mrose", "PASS tanstaaf", "DELE 1", "RSET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := serverTest(t, nil)
				p := r.probe(t)
				for _, c := range enter {
					p.say(t, c)
				}
				synctest.Wait()
				began := time.Now()
				require.NoError(t, r.Shutdown(t.Context()))
				require.Zero(t, time.Since(began), "at once")
				require.Equal(t, "-ERR [SYS/TEMP] server is shutting down\r\n", p.rest(t))
				require.Len(t, r.store.left("mrose"), 2)
				_, err := r.ln.Dial(t.Context())
				require.Error(t, err, "nobody listens any more")
			})
		})
	}
}

// The beginning of a command keeps back no reply to those before it, and makes
// nobody busy.
func TestShutdownWithinCommand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, nil)
		p := r.login(t)
		p.send(t, "NOOP\r\nNO")
		require.Regexp(t, `^\+OK`, p.line(t))
		began := time.Now()
		require.NoError(t, r.Shutdown(t.Context()))
		require.Zero(t, time.Since(began), "at once")
		require.Equal(t, "-ERR [SYS/TEMP] server is shutting down\r\n", p.rest(t))
	})
}

// A session with marks is waited for, so that its deletions are not lost.
func TestShutdownWaitsForMarks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, nil)
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- r.Shutdown(t.Context()) }()
		time.Sleep(5 * time.Minute)
		require.Empty(t, done)
		p.want(t, "NOOP", "+OK")
		p.want(t, "QUIT", "+OK POP3 server signing off (1 message left)")
		require.NoError(t, <-done)
		require.Equal(t, []string{"QhdPYR:00WBw1Ph7x7"}, r.store.left("mrose"))
	})
}

// lateListener has connections on which Shutdown begins as a DELE arrives.
type lateListener struct {
	*testnet.Listener
	shutdown func()
}

func (l lateListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return &lateConn{Conn: nc, shutdown: l.shutdown, woken: make(chan struct{})}, err
}

type lateConn struct {
	net.Conn
	shutdown func()
	woken    chan struct{}
}

func (c *lateConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes.HasPrefix(p[:n], []byte("DELE")) {
		go c.shutdown()
		<-c.woken
	}
	return n, err
}

func (c *lateConn) SetReadDeadline(t time.Time) error {
	if t.Before(time.Unix(2, 0)) {
		close(c.woken)
	}
	return c.Conn.SetReadDeadline(t)
}

// ... also when it was about to be sent away while the first of them came in.
func TestShutdownMeetsFirstMark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, nil)
		done := make(chan error, 1)
		ln := testnet.NewListener()
		r.serve(t, lateListener{ln, func() { done <- r.Shutdown(t.Context()) }}, r.Serve)
		r.ln = ln
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		time.Sleep(5 * time.Minute)
		require.Empty(t, done)
		p.want(t, "QUIT", "+OK POP3 server signing off (1 message left)")
		require.NoError(t, <-done)
		require.Equal(t, []string{"QhdPYR:00WBw1Ph7x7"}, r.store.left("mrose"))
	})
}

// ... but not for ever, and then nothing is deleted.
func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, nil)
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, r.Shutdown(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(began))
		require.Empty(t, p.rest(t))
		synctest.Wait()
		require.Len(t, r.store.left("mrose"), 2)
		require.False(t, r.store.locked["mrose"])
	})
}

// A message on its way is delivered whole, and then the session is sent away.
func TestShutdownWithinMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		big := strings.Repeat("0123456789\r\n", 1<<16)
		r := serverTest(t, func(_ *pop3.Server, store *dropStore) {
			store.drops["mrose"] = []mail{{"big", big}}
		})
		p := r.login(t)
		p.send(t, "RETR 1\r\n")
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- r.Shutdown(t.Context()) }()
		synctest.Wait()
		require.Empty(t, done)
		require.Equal(t, "+OK 786432 octets\r\n"+big+".\r\n-ERR [SYS/TEMP] server is shutting down\r\n", p.rest(t))
		require.NoError(t, <-done)
	})
}

func TestCloseDeletesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, nil)
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		require.NoError(t, r.Close())
		require.Empty(t, p.rest(t))
		synctest.Wait()
		require.Len(t, r.store.left("mrose"), 2)
		require.False(t, r.store.locked["mrose"])
		require.Equal(t, pop3.ErrServerClosed, r.Serve(testnet.NewListener()))
	})
}

// A client that connects to the TLS port and says nothing is not kept.
func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	serverTLS, _ := testnet.Cert(t, "dewey")
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.TLSConfig = serverTLS })
		implicit := testnet.NewListener()
		r.serve(t, implicit, r.ServeTLS)
		nc, err := implicit.Dial(t.Context())
		require.NoError(t, err)
		began := time.Now()
		_, err = io.ReadAll(nc)
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(began), 15*time.Second)
	})
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
		s.TLSConfig = serverTLS
		s.Auth = &auth.Server{Passwords: testPasswords}
	})
	implicit := testnet.NewListener()
	r.serve(t, implicit, r.ServeTLS)
	nc, err := implicit.Dial(t.Context())
	require.NoError(t, err)
	require.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
	p := &prober{conn: nc, tls: clientTLS}
	p.startTLS(t)
	rfc.Covers(t, "rfc1939-3-2", "rfc1939-4-1")
	require.Equal(t, "+OK dewey POP3 server ready", p.line(t))
	p.want(t, "CAPA", "+OK capability list follows")
	var capa []string
	for line := p.line(t); line != "."; line = p.line(t) {
		capa = append(capa, line)
	}
	require.Contains(t, capa, "USER")
	require.NotContains(t, capa, "STLS")
	p.want(t, "STLS", "-ERR command not permitted when TLS active")
	p.want(t, "USER mrose", "+OK send the password")
	p.want(t, "PASS tanstaaf", "+OK maildrop has 2 messages (320 octets)")
	p.want(t, "QUIT", "+OK POP3 server signing off (2 messages left)")
}

package pop3_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

func TestCommandLineLimit(t *testing.T) {
	t.Parallel()
	r := serverTest(t, nil)
	// RFC 2449 section 4: 255 octets with the CRLF.
	p := r.probe(t)
	p.want(t, "USER "+strings.Repeat("x", 255-len("USER \r\n")), "+OK send the password")
	p.want(t, "USER "+strings.Repeat("x", 256-len("USER \r\n")), "-ERR line too long")
	require.Empty(t, p.rest(t))

	// A line without an end is not waited for.
	p = r.probe(t)
	p.send(t, strings.Repeat("x", 255))
	require.Equal(t, "-ERR line too long\r\n", p.rest(t))
}

func TestResponseLineLimit(t *testing.T) {
	t.Parallel()
	r := serverTest(t, nil)
	p := r.probe(t)
	p.want(t, "AUTH PLAIN", "+ ")
	p.want(t, strings.Repeat("A", auth.MaxResponse), "-ERR malformed response")
	p.want(t, "AUTH PLAIN", "+ ")
	p.want(t, strings.Repeat("A", auth.MaxResponse+1), "-ERR line too long")
	require.Empty(t, p.rest(t))

	// An initial response is part of the command (RFC 5034 section 4).
	p = r.probe(t)
	p.want(t, "AUTH PLAIN "+strings.Repeat("A", 260), "-ERR line too long")
}

func TestMaxErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		max           int
		login         bool
		before, after int
	}{
		{"default before login", 0, false, 9, 0},
		{"default after login", 0, true, 0, 19},
		{"errors before login count", 0, true, 5, 14},
		{"three", 3, false, 2, 0},
		{"three after login", 3, true, 2, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.MaxErrors = tt.max }).probe(t)
			for range tt.before {
				p.want(t, "BOGUS", "-ERR unknown command")
			}
			if tt.login {
				p.want(t, "USER mrose", "+OK send the password")
				p.want(t, "PASS tanstaaf", "+OK maildrop has 2 messages (320 octets)")
				for range tt.after {
					p.want(t, "NOOP 1", "-ERR command takes no argument")
				}
			}
			p.want(t, "STAT 1", "-ERR too many errors")
			require.Empty(t, p.rest(t))
		})
	}
}

// Old clients ask for what is not here; that is no abuse.
func TestAbsentCommandsAreNotCounted(t *testing.T) {
	t.Parallel()
	p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.MaxLoginCommands = 1000 }).probe(t)
	for range 50 {
		p.want(t, "APOP mrose x", "-ERR APOP is not offered")
		p.want(t, "LANG *", "-ERR LANG is not offered")
		for _, command := range []string{"LAST", "rpop mrose", "XTND ARCHIVE"} {
			p.want(t, command, "-ERR unknown command")
		}
	}
	p.want(t, "QUIT", "+OK POP3 server signing off")
}

// A client that does not log in is sent away, whatever it says.
func TestMaxLoginCommands(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: 100, 3: 3} {
		for _, command := range []string{"CAPA", "USER mrose", "UTF8", "LAST"} {
			p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.MaxLoginCommands = limit }).probe(t)
			for range want - 1 {
				if p.say(t, command); command == "CAPA" {
					p.body(t)
				}
			}
			p.want(t, command, "-ERR too many commands without a login")
			require.Empty(t, p.rest(t))
		}
	}
	p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.MaxLoginCommands = 3 }).login(t)
	for range 10 {
		p.want(t, "NOOP", "+OK")
	}
	p = serverTest(t, func(s *pop3.Server, _ *dropStore) { s.MaxLoginCommands = 1 }).probe(t)
	p.want(t, "QUIT", "+OK POP3 server signing off")
}

// Talking does not lengthen the time for the login, and the end of it is silent.
func TestLoginTimeout(t *testing.T) {
	t.Parallel()
	for limit, want := range map[time.Duration]time.Duration{0: 10 * time.Minute, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.LoginTimeout = limit })
			p, in := r.probe(t), r.login(t)
			start := time.Now()
			for range 3 {
				time.Sleep(want / 4)
				p.want(t, "USER mrose", "+OK send the password")
				in.want(t, "NOOP", "+OK")
			}
			require.Empty(t, p.rest(t))
			require.Equal(t, want, time.Since(start))
			in.want(t, "NOOP", "+OK")
		})
	}
}

// Handshakes that hang keep nobody from TLS.
func TestMaxHandshakes(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.TLSConfig, s.MaxHandshakes = serverTLS, 1 })
		var hanging []*prober
		for range 20 {
			p := r.probe(t)
			_, err := io.WriteString(p.conn, "STLS\r\n")
			require.NoError(t, err)
			require.Equal(t, "+OK begin TLS negotiation", p.line(t))
			hanging = append(hanging, p)
		}
		begin := time.Now()
		p := r.probe(t)
		p.tls = clientTLS
		p.want(t, "STLS", "+OK begin TLS negotiation")
		p.want(t, "USER mrose", "+OK send the password")
		require.Zero(t, time.Since(begin))
		for _, p := range hanging {
			require.Empty(t, p.rest(t))
		}
		require.Equal(t, 10*time.Second, time.Since(begin))
	})
}

// Who begins with TLS has it at once, whether others hang or not, and they are cut when the
// server is closed.
func TestMaxHandshakesImplicit(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	for _, limit := range []int{-1, 1} {
		synctest.Test(t, func(t *testing.T) {
			r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.TLSConfig, s.MaxHandshakes = serverTLS, limit })
			implicit := testnet.NewListener()
			r.serve(t, implicit, r.ServeTLS)
			dial := func() net.Conn {
				nc, err := implicit.Dial(t.Context())
				require.NoError(t, err)
				t.Cleanup(func() { nc.Close() })
				synctest.Wait()
				return nc
			}
			silent, began := []net.Conn{dial(), dial(), dial()}, time.Now()
			require.NoError(t, tls.Client(dial(), clientTLS).Handshake())
			require.NoError(t, r.Close())
			for _, nc := range silent {
				_, err := nc.Read(make([]byte, 1))
				require.Error(t, err)
			}
			require.Zero(t, time.Since(began))
		})
	}
}

// A session that panics between STLS and its handshake gives its place back.
func TestHandshakeOfAPanic(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
		s.TLSConfig, s.MaxHandshakes, s.Log = serverTLS, 1, slog.New(slog.DiscardHandler)
		first := true
		s.Transcript = func(auth.ConnectionState) io.Writer {
			defer func() { first = false }()
			return panicsAt{"S: +OK begin TLS", first}
		}
	})
	p := r.probe(t)
	p.send(t, "STLS\r\n")
	require.Empty(t, p.rest(t))
	p = r.probe(t)
	p.tls = clientTLS
	p.want(t, "STLS", "+OK begin TLS negotiation")
	p.want(t, "USER mrose", "+OK send the password")
}

// panicsAt is a transcript that panics at a line.
type panicsAt struct {
	line    string
	enabled bool
}

func (p panicsAt) Write(line []byte) (int, error) {
	if p.enabled && strings.Contains(string(line), p.line) {
		panic("the disk is full")
	}
	return len(line), nil
}

func TestMaxAuthFailures(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: 5, 2: 2} {
		p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.MaxAuthFailures = limit }).probe(t)
		for range want - 1 {
			p.want(t, "AUTH PLAIN AG1yb3NlAHdyb25n", "-ERR [AUTH] login refused")
		}
		p.want(t, "USER mrose", "+OK send the password")
		p.want(t, "PASS wrong", "-ERR [AUTH] too many failed logins")
		require.Empty(t, p.rest(t))
	}
}

func TestMaxConns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.MaxConns, s.MaxConnsPerAddr = 3, 2 })
		dial := func(from string) string {
			nc, err := r.ln.DialFrom(from)
			require.NoError(t, err)
			t.Cleanup(func() { nc.Close() })
			synctest.Wait()
			greeting := make([]byte, 100)
			n, _ := nc.Read(greeting)
			return string(greeting[:n])
		}
		const hello, full = "+OK dewey POP3 server ready\r\n", "-ERR [SYS/TEMP] too many connections\r\n"
		require.Equal(t, hello, dial("192.0.2.9:1000"))
		require.Equal(t, hello, dial("192.0.2.9:1001"))
		require.Equal(t, full, dial("192.0.2.9:1002"), "the third of one address")
		require.Equal(t, hello, dial("[2001:db8::1]:1000"))
		require.Equal(t, full, dial("[2001:db8::2]:1000"), "the fourth of all")
	})
}

func TestMaxMessages(t *testing.T) {
	t.Parallel()
	r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.MaxMessages = 1 })
	p := r.login(t)
	p.want(t, "STAT", "+OK 1 120")
	p.want(t, "RETR 2", "-ERR no such message, only 1 message in maildrop")
	p.want(t, "DELE 1", "+OK message 1 deleted")
	p.want(t, "QUIT", "+OK POP3 server signing off (maildrop empty)")
	p = r.login(t)
	p.want(t, "STAT", "+OK 1 200")
	p.want(t, "UIDL 1", "+OK 1 QhdPYR:00WBw1Ph7x7")
}

// A text from the store can neither be a second line nor a longer one than
// RFC 2449 section 4 allows.
func TestStatusLineLimit(t *testing.T) {
	t.Parallel()
	text := "a\r\n+OK b"
	r := serverTest(t, func(_ *pop3.Server, store *dropStore) {
		store.open = func(context.Context, *auth.Identity) error {
			return &pop3.Error{Code: "SYS/PERM", Text: text}
		}
	})
	p := r.probe(t)
	p.say(t, "USER mrose")
	p.want(t, "PASS tanstaaf", "-ERR [SYS/PERM] a??+OK b")
	text = strings.Repeat("long", 200)
	p.say(t, "USER mrose")
	require.Len(t, p.say(t, "PASS tanstaaf"), 510)
}

// Nothing that is sent makes a session grow: ten thousand commands in a row leave
// no more behind than ten.
func TestFloodOfCommands(t *testing.T) {
	t.Parallel()
	r := serverTest(t, nil)
	p := r.login(t)
	go func() {
		for range 1000 {
			io.WriteString(p.conn, "STAT\r\nNOOP\r\nLIST 1\r\nUIDL 2\r\nDELE 1\r\nRSET\r\nCAPA\r\n")
		}
		io.WriteString(p.conn, "QUIT\r\n")
	}()
	rest := p.rest(t)
	require.Equal(t, 1000, strings.Count(rest, "+OK 2 QhdPYR:00WBw1Ph7x7\r\n"))
	require.True(t, strings.HasSuffix(rest, "+OK POP3 server signing off (2 messages left)\r\n"))
}

func TestServerRefusesToServe(t *testing.T) {
	t.Parallel()
	good := func() *pop3.Server { return &pop3.Server{Auth: new(auth.Server), Store: newDropStore()} }
	for name, change := range map[string]func(*pop3.Server){
		"Server.Auth is nil":                  func(s *pop3.Server) { s.Auth = nil },
		"Server.Store is nil":                 func(s *pop3.Server) { s.Store = nil },
		"Server.Hostname is not a host name":  func(s *pop3.Server) { s.Hostname = "<1896.697170952@dewey>" },
		"Server.Implementation cannot be":     func(s *pop3.Server) { s.Implementation = "two\r\nlines \x01" },
		"Server.TLSConfig is nil":             func(*pop3.Server) {},
		"Server.Hostname is not a host name ": func(s *pop3.Server) { s.Hostname = "two\r\nlines" },
	} {
		s := good()
		change(s)
		ln := &closeRecorder{}
		serve := s.Serve
		if strings.Contains(name, "TLSConfig") {
			serve = s.ServeTLS
		}
		require.ErrorContains(t, serve(ln), strings.TrimSpace(name))
		require.True(t, ln.closed, name)
	}
}

// TestListenAndServe: an address that nobody can listen on is told at once.
func TestListenAndServe(t *testing.T) {
	t.Parallel()
	serverTLS, _ := testnet.Cert(t, "dewey")
	s := &pop3.Server{Auth: new(auth.Server), Store: newDropStore(), TLSConfig: serverTLS, Addr: "nowhere.invalid"}
	require.ErrorContains(t, s.ListenAndServe(), "missing port in address")
	require.ErrorContains(t, s.ListenAndServeTLS(), "missing port in address")
	for _, serve := range []func(*pop3.Server) error{(*pop3.Server).ListenAndServe, (*pop3.Server).ListenAndServeTLS} {
		s := &pop3.Server{Auth: new(auth.Server), Store: newDropStore(), TLSConfig: serverTLS, Addr: "127.0.0.1:0"}
		require.NoError(t, s.Close())
		require.ErrorIs(t, serve(s), pop3.ErrServerClosed)
	}
}

func ExampleError() {
	err := error(&pop3.Error{Code: pop3.CodeLoginDelay, Text: "once a minute is enough"})
	fmt.Println(err)
	// Output: pop3: [LOGIN-DELAY] once a minute is enough
}

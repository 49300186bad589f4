package pop3_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

// What is sent in cleartext together with STLS is never obeyed, neither before
// nor after the handshake: there is none.
func TestSTLSInjection(t *testing.T) {
	t.Parallel()
	serverTLS, _ := testnet.Cert(t, "dewey")
	for _, injected := range []string{"CAPA\r\n", "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nQUIT\r\n", "x", "\r\n", "USER mro"} {
		r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.TLSConfig = serverTLS })
		p := r.probe(t)
		p.send(t, "STLS\r\n"+injected)
		require.Equal(t, "+OK begin TLS negotiation\r\n", p.rest(t), "%q", injected)
		require.Len(t, r.store.left("mrose"), 2)
	}
}

// Arguments where there are none, and none where there are some, change nothing.
func TestServerArguments(t *testing.T) {
	t.Parallel()
	r := serverTest(t, nil)
	p := r.probe(t)
	for _, command := range []string{"CAPA x", "USER", "QUIT now", "STLS x", "AUTH PLAIN =x=y"} {
		require.True(t, strings.HasPrefix(p.say(t, command), "-ERR "), command)
	}
	p.want(t, "USER mrose", "+OK send the password")
	require.True(t, strings.HasPrefix(p.say(t, "PASS"), "-ERR "))
	p = r.login(t)
	p.want(t, "DELE 1", "+OK message 1 deleted")
	for _, command := range []string{"STAT x", "LIST x", "LIST 0", "RETR", "RETR 1 1", "DELE", "NOOP x", "RSET x", "TOP 2", "TOP 2 x", "UIDL x", "UIDL 2 2", "QUIT x"} {
		require.True(t, strings.HasPrefix(p.say(t, command), "-ERR "), command)
	}
	p.want(t, "STAT", "+OK 1 200")
}

// What was said before TLS is forgotten (RFC 2595 section 4).
func TestSTLSForgets(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.TLSConfig = serverTLS }).probe(t)
	p.tls = clientTLS
	p.want(t, "USER mrose", "+OK send the password")
	p.want(t, "STLS", "+OK begin TLS negotiation")
	p.want(t, "PASS tanstaaf", "-ERR command not allowed in this state")
	p.want(t, "USER mrose", "+OK send the password")
	p.want(t, "PASS tanstaaf", "+OK maildrop has 2 messages (320 octets)")
}

// A handshake that fails ends the connection: there is no going on in cleartext.
func TestSTLSFails(t *testing.T) {
	t.Parallel()
	serverTLS, _ := testnet.Cert(t, "dewey")
	r := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.TLSConfig = serverTLS })
	p := r.probe(t)
	_, err := p.conn.Write([]byte("STLS\r\n"))
	require.NoError(t, err)
	require.Equal(t, "+OK begin TLS negotiation", p.line(t))
	p.send(t, "USER mrose\r\n")
	require.NotContains(t, p.rest(t), "+OK")
	require.Contains(t, r.logs.String(), "session ended")
}

// writeCounter counts the writes of the server's end.
type writeCounter struct {
	net.Conn
	writes *atomic.Int32
}

func (c writeCounter) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

type countingListener struct {
	net.Listener
	writes atomic.Int32
}

func (l *countingListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return writeCounter{nc, &l.writes}, err
}

// The replies to a group of commands leave in one write (RFC 2449 section 6.6).
func TestPipeliningBatchesReplies(t *testing.T) {
	t.Parallel()
	r := serverTest(t, nil)
	ln := &countingListener{Listener: testnet.NewListener()}
	r.serve(t, ln, r.Serve)
	nc, err := ln.Listener.(*testnet.Listener).Dial(t.Context())
	require.NoError(t, err)
	defer nc.Close()
	_, err = io.WriteString(nc, "USER mrose\r\nPASS tanstaaf\r\nSTAT\r\nUIDL\r\nLIST\r\nRETR 1\r\nRETR 2\r\nTOP 1 1\r\nDELE 1\r\nNOOP\r\nQUIT\r\n")
	require.NoError(t, err)
	all, err := io.ReadAll(nc)
	require.NoError(t, err)
	require.Equal(t, 11+1, bytes.Count(all, []byte("+OK")))
	require.LessOrEqual(t, ln.writes.Load(), int32(2), "the greeting, and all replies")
}

// A transcript has the dialogue without passwords and without mail.
func TestTranscript(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var text strings.Builder
	var state auth.ConnectionState
	r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
		s.Transcript = func(cs auth.ConnectionState) io.Writer {
			state = cs
			return writerFunc(func(p []byte) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				return text.Write(p)
			})
		}
	})
	r.talk(t, "CAPA\r\nUSER mrose\r\nPASS hunter2\r\nhunter2\r\nUSER bob hunter2\r\nAUTH PLAIN\r\nAGh1bnRlcjIAaHVudGVyMg==\r\n"+
		"AUTH LOGIN bXJvc2U=\r\n*\r\nAUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\nSTAT\r\nLIST\r\nRETR 1\r\nTOP 2 0\r\nUIDL\r\nQUIT\r\n")
	require.Equal(t, auth.POP3, state.Protocol)
	require.NotEmpty(t, state.ID)
	require.NotNil(t, state.RemoteAddr)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, `S: +OK dewey POP3 server ready
C: CAPA
S: +OK capability list follows
S: TOP
S: USER
S: SASL PLAIN LOGIN
S: RESP-CODES
S: AUTH-RESP-CODE
S: PIPELINING
S: UIDL
S: UTF8 USER
S: .
C: USER mrose
S: +OK send the password
C: PASS ****
S: -ERR [AUTH] login refused
C: unknown (7 octets)
S: -ERR unknown command
C: USER (16 octets)
S: -ERR bad user name
C: AUTH PLAIN
S: + ****
C: ****
S: -ERR [AUTH] login refused
C: AUTH LOGIN ****
S: + ****
C: *
S: -ERR authentication cancelled
C: AUTH PLAIN ****
S: +OK maildrop has 2 messages (320 octets)
C: STAT
S: +OK 2 320
C: LIST
S: +OK 2 messages (320 octets)
S: (2 lines)
S: .
C: RETR 1
S: +OK 120 octets
S: (120 octets)
S: .
C: TOP 2 0
S: +OK top of message follows
S: (16 octets)
S: .
C: UIDL
S: +OK unique-id listing follows
S: (2 lines)
S: .
C: QUIT
S: +OK POP3 server signing off (2 messages left)
`, text.String())
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// The log names the session and its user, and no secret.
func TestLog(t *testing.T) {
	t.Parallel()
	r := serverTest(t, nil)
	r.talk(t, "USER mrose\r\nPASS wrong-hunter2\r\nUSER mrose\r\nPASS tanstaaf\r\nRETR 1\r\nDELE 1\r\nRETR 1\r\nQUIT\r\n")
	require.NoError(t, r.Shutdown(context.Background()))
	logs := r.logs.String()
	for _, want := range []string{
		"msg=\"login refused\"", "msg=\"logged in\"", "proto=POP3", "peer=192.0.2.1:50000", "conn=",
		"msg=\"command refused\"", "verb=RETR", "code=AUTH",
		"msg=\"session ended\"", "user=mrose", "fetched=1", "octets=120",
	} {
		require.Contains(t, logs, want)
	}
	require.NotContains(t, logs, "hunter2")
	require.NotContains(t, logs, "tanstaaf")
	require.NotContains(t, logs, "Subject")
}

// auth.Server is told of attempts with the state of the connection.
func TestObserve(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	events := make(chan auth.Event, 10)
	r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
		s.TLSConfig = serverTLS
		s.Auth = &auth.Server{Passwords: testPasswords, Observe: func(_ context.Context, e auth.Event) { events <- e }}
	})
	p := r.probe(t)
	p.tls = clientTLS
	p.want(t, "STLS", "+OK begin TLS negotiation")
	p.want(t, "USER mrose", "+OK send the password")
	p.want(t, "PASS wrong", "-ERR [AUTH] login refused")
	p.want(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm", "+OK maildrop has 2 messages (320 octets)")
	failed, good := <-events, <-events
	require.ErrorIs(t, failed.Err, auth.ErrCredentials)
	require.NoError(t, good.Err)
	require.Equal(t, "mrose", good.Identity.Name)
	for _, e := range []auth.Event{failed, good} {
		require.Equal(t, auth.POP3, e.State.Protocol)
		require.Equal(t, pop3.PhaseAuthorization, e.State.Phase)
		require.NotNil(t, e.State.TLS)
		require.NotEmpty(t, e.State.ID)
		require.Equal(t, "192.0.2.1:50000", e.State.RemoteAddr.String())
	}
}

package pop3_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/pop3"
)

// loggedIn and greeted begin a dialogue.
const (
	greeted  = "S: +OK *\n"
	loggedIn = greeted + "C: USER mrose\nC: PASS tanstaaf\nS: +OK *\nS: +OK *\n"
	notHere  = "S: -ERR command not allowed in this state\n"
)

// What the RFCs demand of a server, a dialogue for each demand.
func TestServerStatements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		covers   []string
		dialogue string
	}{
		{"the server greets", []string{"rfc1939-3-2", "rfc1939-4-1"}, "S: +OK dewey POP3 server ready\n-- drop"},
		{
			"keywords in any case",
			[]string{"rfc1939-3-3"},
			greeted + "C: uSeR mrose\nC: pAsS tanstaaf\nS: +OK *\nS: +OK *\nC: quit\nS: +OK *\n-- close",
		},
		{
			"printable ASCII, single blanks",
			[]string{"rfc1939-3-5", "rfc1939-3-6", "rfc1939-3-7"},
			greeted + "c: USER mr\\xf6se\\r\\n\nS: -ERR bad user name\nC: USER  mrose\nS: -ERR *\nC: USER mrose\nC: PASS tanstaaf\n" +
				"S: +OK *\nS: +OK *\nC: RETR  1\nS: -ERR *\nC: STATS\nS: -ERR unknown command\nC: NOO\nS: -ERR *\n-- drop",
		},
		{
			"an argument of 40 characters",
			[]string{"rfc1939-3-8"},
			greeted + "C: USER " + strings.Repeat("x", 40) + "\nS: +OK *\n-- drop",
		},
		{
			"unknown and invalid commands",
			[]string{"rfc1939-3-21"},
			greeted + "C: BOGUS\nS: -ERR *\nC: USER\nS: -ERR *\nC:\nS: -ERR *\n-- drop",
		},
		{
			"commands in the wrong state",
			[]string{"rfc1939-3-22", "rfc1939-5-3", "rfc1939-5-9", "rfc1939-5-17", "rfc1939-5-21"},
			greeted + "C: STAT\n" + notHere + "C: LIST\n" + notHere + "C: RETR 1\n" + notHere + "C: DELE 1\n" + notHere + "-- drop",
		},
		{
			"more of them",
			[]string{"rfc1939-5-24", "rfc1939-5-26", "rfc1939-7-3", "rfc1939-7-8"},
			greeted + "C: NOOP\n" + notHere + "C: RSET\n" + notHere + "C: TOP 1 1\n" + notHere + "C: UIDL\n" + notHere + "-- drop",
		},
		{
			"USER in AUTHORIZATION, PASS after USER",
			[]string{"rfc1939-7-17", "rfc1939-7-21", "rfc1939-7-19"},
			greeted + "C: PASS tanstaaf\n" + notHere + "C: USER mrose\nS: +OK *\nC: PASS tanstaaf\nS: +OK *\nC: USER mrose\n" + notHere +
				"C: PASS tanstaaf\n" + notHere + "-- drop",
		},
		{"QUIT after USER", []string{"rfc1939-7-19"}, greeted + "C: USER mrose\nS: +OK *\nC: QUIT\nS: +OK *\n-- close"},
		{
			"PASS belongs to its USER",
			[]string{"rfc1939-7-22"},
			greeted + "C: USER nobody\nC: PASS tanstaaf\nS: +OK *\nS: -ERR [AUTH] *\n-- drop",
		},
		{
			"QUIT in AUTHORIZATION",
			[]string{"rfc1939-6-2"},
			greeted + "C: QUIT\nS: +OK *\n-- close",
		},
		{
			"STAT",
			[]string{"rfc1939-5-5", "rfc1939-5-6", "rfc1939-5-7"},
			loggedIn + "C: STAT\nS: +OK 2 320\nC: DELE 1\nS: +OK *\nC: STAT\nS: +OK 1 200\n-- drop",
		},
		{
			"LIST",
			[]string{"rfc1939-5-11", "rfc1939-5-12", "rfc1939-5-14", "rfc1939-5-15"},
			loggedIn + "C: LIST\nS: +OK *\nS: 1 120\nS: 2 200\nS: .\nC: NOOP\nS: +OK\n-- drop",
		},
		{
			"LIST of one",
			[]string{"rfc1939-5-10", "rfc1939-4-10"},
			loggedIn + "C: LIST 1\nS: +OK 1 120\nC: LIST 2\nS: +OK 2 200\nC: NOOP\nS: +OK\n-- drop",
		},
		{
			"LIST of none",
			[]string{"rfc1939-5-13"},
			greeted + "C: USER nobody\nC: PASS empty\nS: +OK *\nS: +OK *\nC: LIST\nS: +OK *\nS: .\n-- drop",
		},
		{
			"messages marked",
			[]string{"rfc1939-5-8", "rfc1939-5-16", "rfc1939-5-20", "rfc1939-7-2", "rfc1939-7-7"},
			loggedIn + "C: DELE 1\nS: +OK *\nC: LIST 1\nS: -ERR *\nC: RETR 1\nS: -ERR *\nC: DELE 1\nS: -ERR *\nC: TOP 1 1\nS: -ERR *\nC: UIDL 1\nS: -ERR *\n-- drop",
		},
		{
			"RETR",
			[]string{"rfc1939-5-18", "rfc1939-5-19"},
			loggedIn + "C: RETR 1\nS: +OK 120 octets\nS: Subject: one\nS:\nS: ..leading dot\nS: " + strings.Repeat("x", 88) + "\nS: .\nC: NOOP\nS: +OK\n-- drop",
		},
		{
			"DELE and RSET",
			[]string{"rfc1939-5-22", "rfc1939-7-1"},
			loggedIn + "C: DELE 2\nS: +OK *\nC: STAT\nS: +OK 1 120\nC: RSET\nS: +OK *\nC: STAT\nS: +OK 2 320\n-- drop",
		},
		{"NOOP", []string{"rfc1939-5-25"}, loggedIn + "C: NOOP\nS: +OK\n-- drop"},
		{
			"TOP",
			[]string{"rfc1939-7-4", "rfc1939-7-5"},
			loggedIn + "C: TOP 2 2\nS: +OK *\nS: Subject: two\nS:\nS: line 1\nS: line 2\nS: .\nC: NOOP\nS: +OK\n-- drop",
		},
		{
			"TOP of more than there is",
			[]string{"rfc1939-7-6"},
			loggedIn + "C: TOP 1 1000\nS: +OK *\nS: Subject: one\nS:\nS: ..leading dot\nS: " + strings.Repeat("x", 88) + "\nS: .\n-- drop",
		},
		{
			"UIDL",
			[]string{"rfc1939-7-10", "rfc1939-7-11", "rfc1939-7-12"},
			loggedIn + "C: UIDL\nS: +OK *\nS: 1 whqtswO00WBw418f9t5JxYwZ\nS: 2 QhdPYR:00WBw1Ph7x7\nS: .\nC: NOOP\nS: +OK\n-- drop",
		},
		{
			"UIDL of one",
			[]string{"rfc1939-7-9"},
			loggedIn + "C: UIDL 2\nS: +OK 2 QhdPYR:00WBw1Ph7x7\nC: NOOP\nS: +OK\n-- drop",
		},
		{
			"255 octets",
			[]string{"rfc2449-4-1"},
			greeted + "C: USER " + strings.Repeat("x", 248) + "\nS: +OK *\n-- drop",
		},
		{
			"12,288 octets of a response",
			[]string{"rfc2449-4-2"},
			greeted + "C: AUTH PLAIN\nS: + \nC: " + strings.Repeat("A", 12288) + "\nS: -ERR malformed response\nC: QUIT\nS: +OK *\n-- close",
		},
		{
			"the USER command reveals nothing",
			[]string{"rfc3206-5-2"},
			greeted + "C: USER ghost\nS: +OK send the password\nC: USER mrose\nS: +OK send the password\n-- drop",
		},
		{
			"AUTH once",
			[]string{"rfc5034-4-2"},
			greeted + "C: AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\nS: +OK *\nC: AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\n" + notHere + "-- drop",
		},
		{
			"challenges",
			[]string{"rfc5034-4-3", "rfc5034-4-4", "rfc5034-4-6"},
			greeted + "C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: *\nS: -ERR *\nC: AUTH PLAIN\nS: + \nC: *\nS: -ERR *\n-- drop",
		},
		{
			"responses that cannot be decoded",
			[]string{"rfc5034-4-10"},
			greeted + "C: AUTH PLAIN\nS: + \nC: ?\nS: -ERR *\nC: AUTH PLAIN =AAA\nS: -ERR *\n-- drop",
		},
		{
			"AUTH that fails",
			[]string{"rfc5034-4-14", "rfc5034-4-20"},
			greeted + "C: AUTH PLAIN AG1yb3NlAHdyb25n\nS: -ERR [AUTH] *\nC: STAT\n" + notHere + "C: USER mrose\nC: PASS tanstaaf\nS: +OK *\nS: +OK *\n-- drop",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, tt.covers...)
			d, err := transcript.Parse([]byte(tt.dialogue))
			require.NoError(t, err)
			d.Timeout = 5 * time.Second
			d.PlayClient(t, serverTest(t, nil).dial(t))
		})
	}
}

// What they demand of capabilities, and of passwords without TLS.
func TestServerStatementsOnTLS(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	const (
		before = "S: +OK *\nS: TOP\nS: RESP-CODES\nS: AUTH-RESP-CODE\nS: PIPELINING\nS: UIDL\nS: UTF8 USER\nS: STLS\nS: .\n"
		after  = "S: +OK *\nS: TOP\nS: USER\nS: SASL PLAIN LOGIN\nS: RESP-CODES\nS: AUTH-RESP-CODE\nS: PIPELINING\nS: UIDL\nS: UTF8 USER\nS: .\n"
	)
	for _, tt := range []struct {
		name     string
		covers   []string
		dialogue string
	}{
		{"CAPA", []string{"rfc2595-4-1", "rfc2449-5-5", "rfc3206-5-1", "rfc2595-9-4"}, greeted + "C: CAPA\n" + before + "-- drop"},
		{
			"no passwords in cleartext",
			[]string{"rfc5034-4-22", "rfc5034-4-23", "rfc2595-2.2-1", "rfc2595-2.3-1", "rfc2595-6-1"},
			greeted + "C: CAPA\n" + before + "C: USER mrose\nS: -ERR *\nC: AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\nS: -ERR *\n-- drop",
		},
		{
			"PLAIN over TLS",
			[]string{"rfc5034-4-21"},
			greeted + "C: STLS\nS: +OK *\n-- tls\nC: AUTH PLAIN AG1yb3NlAHRhbnN0YWFm\nS: +OK *\n-- drop",
		},
		{
			"capabilities in both states",
			[]string{"rfc2449-5-2", "rfc5034-3-3"},
			greeted + "C: STLS\nS: +OK *\n-- tls\nC: CAPA\n" + after + "C: USER mrose\nC: PASS tanstaaf\nS: +OK *\nS: +OK *\nC: CAPA\n" + after + "-- drop",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, tt.covers...)
			d, err := transcript.Parse([]byte(tt.dialogue))
			require.NoError(t, err)
			d.TLS, d.Timeout = clientTLS, 5*time.Second
			d.PlayClient(t, serverTest(t, func(s *pop3.Server, _ *dropStore) {
				s.TLSConfig = serverTLS
				s.Auth = &auth.Server{Passwords: testPasswords}
			}).dial(t))
		})
	}
}

func TestUpdateState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rfc.Covers(t, "rfc1939-3-19", "rfc1939-6-1", "rfc1939-6-4", "rfc1939-6-5", "rfc1939-5-23")
		fails := false
		r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
			d.commit = func(context.Context, []pop3.Info) error {
				if fails {
					return errDisk
				}
				return nil
			}
		})
		p := r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		require.Len(t, r.store.left("mrose"), 2, "not before QUIT")
		p.want(t, "QUIT", "+OK POP3 server signing off (1 message left)")
		require.Equal(t, []string{"QhdPYR:00WBw1Ph7x7"}, r.store.left("mrose"))
		fails = true
		p = r.login(t)
		p.want(t, "DELE 1", "+OK message 1 deleted")
		p.want(t, "QUIT", "-ERR [SYS/TEMP] some deleted messages not removed")
	})
}

// The maildrop is released before the answer to QUIT, and the connection closed
// after it, whatever became of the deletions.
func TestUpdateStateReleases(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errDisk} {
		synctest.Test(t, func(t *testing.T) {
			rfc.Covers(t, "rfc1939-3-20", "rfc1939-6-6")
			closing, closed := make(chan struct{}), make(chan struct{})
			r := serverTest(t, func(_ *pop3.Server, d *dropStore) {
				d.commit = func(context.Context, []pop3.Info) error { return err }
				d.close = func() { close(closing); <-closed }
			})
			release := sync.OnceFunc(func() { close(closed) })
			t.Cleanup(release) // when it fails before
			p := r.login(t)
			p.send(t, "QUIT\r\n")
			answered, ended := make(chan string, 1), make(chan string, 1)
			go func() {
				line, _ := p.r.ReadString('\n')
				answered <- line
				rest, _ := io.ReadAll(p.r)
				ended <- string(rest)
			}()
			<-closing
			synctest.Wait()
			require.Empty(t, answered, "not before the maildrop is released")
			release()
			synctest.Wait()
			require.Regexp(t, `^(\+OK|-ERR \[SYS/TEMP\]) `, <-answered)
			require.Len(t, ended, 1, "the connection is closed")
			require.Empty(t, <-ended)
		})
	}
}

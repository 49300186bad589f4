package pop3_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/pop3"
)

// The example of RFC 1939 section 10, with APOP as it is printed. Its digest
// depends on the greeting.
func TestRFC1939Section10(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-3-16", "rfc1939-3-18", "rfc1939-4-5", "rfc1939-4-6")
	rfc.Covers(t, "rfc1939-5-4", "rfc1939-11-1")
	r := serverTest(t, withAPOP)
	p := r.probe(t)
	p.want(t, "STAT", "-ERR command not allowed in this state")
	p.want(t, p.apop("mrose", "tanstaaf"), "+OK maildrop has 2 messages (320 octets)")
	p.want(t, "STAT", "+OK 2 320")
	p.want(t, "LIST", "+OK 2 messages (320 octets)")
	require.Equal(t, "1 120\r\n2 200\r\n", p.body(t))
	p.want(t, "RETR 1", "+OK 120 octets")
	require.Equal(t, mroseOne, p.body(t), "a stuffed dot is not counted")
	p.want(t, "DELE 1", "+OK message 1 deleted")
	p.want(t, "RETR 2", "+OK 200 octets")
	require.Equal(t, mroseTwo, p.body(t))
	p.want(t, "DELE 2", "+OK message 2 deleted")
	p.want(t, "QUIT", "+OK POP3 server signing off (maildrop empty)")
	require.Empty(t, p.rest(t))
	require.Empty(t, r.store.left("mrose"))
}

func TestRFC2449(t *testing.T) {
	t.Parallel()
	for _, d := range transcript.Load(t, "testdata/rfc2449.txtar") {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			r := serverTest(t, func(s *pop3.Server, d *dropStore) {
				s.Policy = pop3.Policy{LoginDelay: 15 * time.Minute, Expire: 60}
				s.Implementation = "Shlemazle-Plotz-v302"
				s.Auth = &auth.Server{Passwords: auth.Passwords{"early": "early", "mrose": "tanstaaf"}, InsecureAllowCleartext: true}
				d.open = func(_ context.Context, id *auth.Identity) error {
					if id.Name == "mrose" {
						return pop3.ErrInUse
					}
					return nil
				}
			})
			first := r.probe(t)
			first.want(t, "USER early", "+OK send the password")
			first.want(t, "PASS early", "+OK maildrop has 0 messages (0 octets)")
			first.want(t, "QUIT", "+OK POP3 server signing off (maildrop empty)")
			d.PlayClient(t, r.dial(t))
		})
	}
}

// Commands sent together are processed in turn, each with what the one before
// has done (RFC 2449 section 6.6).
func TestPipelinedInTurn(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2449-6.6-1", "rfc1939-5-1")
	r := serverTest(t, nil)
	answer := r.talk(t, "USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nSTAT\r\nRSET\r\nSTAT\r\nDELE 2\r\nLIST 2\r\nLIST 1\r\nUIDL 2\r\nNOOP\r\nQUIT\r\n")
	require.Equal(t, []string{
		"+OK dewey POP3 server ready",
		"+OK send the password",
		"+OK maildrop has 2 messages (320 octets)",
		"+OK message 1 deleted",
		"+OK 1 200",
		"+OK maildrop has 2 messages (320 octets)",
		"+OK 2 320",
		"+OK message 2 deleted",
		"-ERR message 2 already deleted",
		"+OK 1 120",
		"-ERR message 2 already deleted",
		"+OK",
		"+OK POP3 server signing off (1 message left)",
	}, strings.Split(strings.TrimSuffix(answer, "\r\n"), "\r\n"))
}

// A server that knows nobody does not begin to serve.
func TestServerNeedsAuth(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-4-3")
	ln := testnet.NewListener()
	require.NoError(t, ln.Close())
	err := (&pop3.Server{Store: newDropStore()}).Serve(ln)
	require.ErrorContains(t, err, "Server.Auth is nil")
}

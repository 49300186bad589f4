package pop3_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

func withAPOP(s *pop3.Server, _ *dropStore) {
	s.InsecureAPOP = true
	s.Auth = &auth.Server{Secrets: testPasswords, Passwords: testPasswords, InsecureAllowCleartext: true}
}

// apop makes the command for a secret.
func (p *prober) apop(user, secret string) string {
	digest := pop3wire.ApopDigest(strings.TrimPrefix(p.stamp, " "), secret)
	return fmt.Sprintf("APOP %s %s", user, hex.EncodeToString(digest[:]))
}

func TestAPOP(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-7-23", "rfc1939-7-29", "rfc2449-3-1")
	r := serverTest(t, withAPOP)
	p := r.probe(t)
	require.True(t, pop3wire.ValidTimestamp(strings.TrimPrefix(p.stamp, " ")), "%q", p.stamp)
	p.want(t, p.apop("mrose", "tanstaafl"), "-ERR [AUTH] login refused")
	p.want(t, "USER mrose", "+OK send the password")
	p.want(t, p.apop("mrose", "tanstaaf"), "-ERR command not allowed in this state")
	p.want(t, "USER mrose", "+OK send the password")
	p.want(t, "PASS wrong", "-ERR [AUTH] login refused")
	p.want(t, p.apop("mrose", "tanstaaf"), "+OK maildrop has 2 messages (320 octets)")
	p.want(t, p.apop("mrose", "tanstaaf"), "-ERR command not allowed in this state")
	require.Contains(t, r.logs.String(), "mechanism=APOP")
}

// The timestamp is another one in each greeting, and what it proved once proves
// nothing again. Without APOP there is none: clients would take it for an offer.
func TestAPOPTimestamp(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-7-26", "rfc1939-7-27")
	r := serverTest(t, withAPOP)
	seen := map[string]bool{}
	for range 20 {
		p := r.probe(t)
		require.False(t, seen[p.stamp])
		seen[p.stamp] = true
		require.Regexp(t, `^ <[0-9a-z-]+\.[0-9A-Z]+@dewey>$`, p.stamp)
	}
	first, second := r.probe(t), r.probe(t)
	second.want(t, first.apop("mrose", "tanstaaf"), "-ERR [AUTH] login refused")

	for _, change := range []func(*pop3.Server, *dropStore){
		nil,
		func(s *pop3.Server, _ *dropStore) { s.Auth.Secrets = testPasswords },
		func(s *pop3.Server, _ *dropStore) { s.InsecureAPOP = true },
	} {
		p := serverTest(t, change).probe(t)
		require.Empty(t, p.stamp)
		p.want(t, "APOP mrose c4c9334bac560ecc979e58001b3e22fb", "-ERR APOP is not offered")
	}
	odd := serverTest(t, func(s *pop3.Server, d *dropStore) { withAPOP(s, d); s.Hostname = "dewey:.." })
	nc := odd.dial(t)
	greeting := make([]byte, 200)
	n, err := nc.Read(greeting)
	require.NoError(t, err)
	require.Regexp(t, `@localhost>\r\n$`, string(greeting[:n]))
}

// What can be learned of users: nothing. The wait is the same, whether there is
// such a user or not, and by whatever way in.
func TestUnknownUsersTakeAsLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, d *dropStore) { withAPOP(s, d); s.FailureDelay = 0 })
		var waits []time.Duration
		var answers []string
		for _, attempt := range [][]string{
			{"USER mrose", "PASS wrong"},
			{"USER ghost", "PASS wrong"},
			{"AUTH PLAIN AG1yb3NlAHdyb25n"},
			{"AUTH PLAIN AGdob3N0AHdyb25n"},
			{"APOP mrose 00000000000000000000000000000000"},
			{"APOP ghost 00000000000000000000000000000000"},
		} {
			p := r.probe(t)
			start := time.Now()
			for _, command := range attempt[:len(attempt)-1] {
				p.want(t, command, "+OK send the password")
				require.Zero(t, time.Since(start))
			}
			answers = append(answers, p.say(t, attempt[len(attempt)-1]))
			waits = append(waits, time.Since(start))
		}
		for i := range waits {
			require.Equal(t, 500*time.Millisecond, waits[i])
			require.Equal(t, "-ERR [AUTH] login refused", answers[i])
		}
	})
}

// A source of secrets that is out of order refuses nobody for good.
func TestAPOPOutage(t *testing.T) {
	t.Parallel()
	r := serverTest(t, func(s *pop3.Server, d *dropStore) {
		withAPOP(s, d)
		s.Auth.Secrets = auth.SecretFunc(func(context.Context, string) (string, error) { return "", errDisk })
	})
	p := r.probe(t)
	p.want(t, p.apop("mrose", "tanstaaf"), "-ERR [SYS/TEMP] login is not possible now")
}

// Over TLS APOP is what it is without.
func TestAPOPOverTLS(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	p := serverTest(t, func(s *pop3.Server, d *dropStore) { withAPOP(s, d); s.TLSConfig = serverTLS }).probe(t)
	p.tls = clientTLS
	p.want(t, "STLS", "+OK begin TLS negotiation")
	p.want(t, p.apop("mrose", "tanstaaf"), "+OK maildrop has 2 messages (320 octets)")
}

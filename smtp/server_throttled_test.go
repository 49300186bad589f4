package smtp_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

const (
	loginRight = "AUTH PLAIN AHRlc3QAMTIzNA==\r\n"
	loginWrong = "AUTH PLAIN AHRlc3QAZ3Vlc3M=\r\n"
)

func throttled(b *auth.Budget) *auth.Server {
	return &auth.Server{Passwords: auth.Passwords{"test": "1234"}, InsecureAllowCleartext: true, Budget: b}
}

// TestServerThrottled: an attempt that is not looked at is 454, and no failure of the
// session.
func TestServerThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, &smtp.Server{Auth: throttled(&auth.Budget{PerAccount: 1, MaxDelayed: 1}), MaxAuthFailures: 2, ErrorDelay: -1}, false)
		defer s.close()
		p := s.greeted()
		p.say(loginWrong)
		p.expect("535 5.7.8 ")
		other := s.greeted()
		other.say(loginRight)
		synctest.Wait()
		for range 5 {
			p.say(loginRight)
			p.expect("454 4.7.0 ")
		}
		began := time.Now()
		other.expect("235 2.7.0 ")
		require.LessOrEqual(t, time.Since(began), time.Second)
		p.say(loginRight)
		p.expect("235 2.7.0 ")
	})
}

// TestServerXclientBudget: failures are counted of the network that a trusted proxy
// tells, and of the peer's own if nobody trusts it.
func TestServerXclientBudget(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		trusted []netip.Prefix
		first   string
		second  string
		delayed bool
	}{
		"one network":  {fromProxy, "198.51.100.7", "198.51.100.8", true},
		"two networks": {fromProxy, "198.51.100.7", "203.0.113.7", false},
		"not trusted":  {nil, "198.51.100.7", "203.0.113.7", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, &smtp.Server{Auth: throttled(&auth.Budget{PerNet: 1, PerAccount: -1}), XclientFrom: tt.trusted, ErrorDelay: -1}, false)
				defer s.close()
				login := func(client string) time.Duration {
					p := s.greeted()
					p.say("XCLIENT ADDR=" + client + "\r\nEHLO client\r\n")
					p.hear()
					p.hear()
					began := time.Now()
					p.say(loginWrong)
					p.expect("535 5.7.8 ")
					return time.Since(began)
				}
				require.Zero(t, login(tt.first))
				require.Equal(t, tt.delayed, login(tt.second) > 0)
			})
		})
	}
}

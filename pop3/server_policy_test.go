package pop3_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/pop3"
)

// capa returns the lines of CAPA that tell of the policy.
func (p *prober) capa(t *testing.T) string {
	t.Helper()
	p.want(t, "CAPA", "+OK capability list follows")
	var lines []string
	for line := range strings.SplitSeq(p.body(t), "\r\n") {
		if strings.HasPrefix(line, "EXPIRE") || strings.HasPrefix(line, "LOGIN-DELAY") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, ", ")
}

// What is announced before login, and after.
func TestPolicy(t *testing.T) {
	t.Parallel()
	user := func(p pop3.Policy) func(*auth.Identity) pop3.Policy {
		return func(*auth.Identity) pop3.Policy { return p }
	}
	for _, tt := range []struct {
		name          string
		policy        pop3.Policy
		user          func(*auth.Identity) pop3.Policy
		before, after string
	}{
		{"none", pop3.Policy{}, nil, "", ""},
		{"not left", pop3.Policy{Expire: pop3.ExpireFetched}, nil, "EXPIRE 0", "EXPIRE 0"},
		{"never", pop3.Policy{Expire: pop3.ExpireNever}, nil, "EXPIRE NEVER", "EXPIRE NEVER"},
		{
			"one for all",
			pop3.Policy{LoginDelay: 90 * time.Second, Expire: 30},
			nil,
			"LOGIN-DELAY 90, EXPIRE 30", "LOGIN-DELAY 90, EXPIRE 30",
		},
		{"rounded up", pop3.Policy{LoginDelay: time.Millisecond}, nil, "LOGIN-DELAY 1", "LOGIN-DELAY 1"},
		{
			"the user's own",
			pop3.Policy{LoginDelay: 15 * time.Minute, Expire: 5},
			user(pop3.Policy{LoginDelay: time.Minute, Expire: 60}),
			"LOGIN-DELAY 900 USER, EXPIRE 5 USER", "LOGIN-DELAY 60, EXPIRE 60",
		},
		{
			"a user without",
			pop3.Policy{LoginDelay: time.Minute, Expire: 5},
			user(pop3.Policy{Expire: pop3.ExpireNever}),
			"LOGIN-DELAY 60 USER, EXPIRE 5 USER", "EXPIRE NEVER",
		},
		{
			"no user's is longer",
			pop3.Policy{LoginDelay: time.Minute},
			user(pop3.Policy{LoginDelay: time.Hour}),
			"LOGIN-DELAY 60 USER", "LOGIN-DELAY 60",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc2449-6.5-3", "rfc2449-6.5-4", "rfc2449-6.5-5")
			rfc.Covers(t, "rfc2449-6.7-4", "rfc2449-6.7-5")
			p := serverTest(t, func(s *pop3.Server, _ *dropStore) { s.Policy, s.UserPolicy = tt.policy, tt.user }).probe(t)
			require.Equal(t, tt.before, p.capa(t))
			p.want(t, "USER mrose", "+OK send the password")
			require.Equal(t, tt.before, p.capa(t))
			p.want(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm", "+OK maildrop has 2 messages (320 octets)")
			require.Equal(t, tt.after, p.capa(t))
		})
	}
}

// Who logs in too soon is told so, if the password is right; and the maildrop is
// not opened for it.
func TestLoginDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rfc.Covers(t, "rfc2449-6.5-2")
		r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
			s.Policy.LoginDelay = time.Minute
			s.UserPolicy = func(id *auth.Identity) pop3.Policy {
				if id.Name == "nobody" {
					return pop3.Policy{}
				}
				return pop3.Policy{LoginDelay: 30 * time.Second}
			}
		})
		const early = "-ERR [LOGIN-DELAY] logged in a moment ago: wait"
		r.login(t).want(t, "QUIT", "+OK POP3 server signing off (2 messages left)")
		p := r.probe(t)
		for range 2 {
			p.want(t, "USER mrose", "+OK send the password")
			p.want(t, "PASS tanstaaf", early)
			time.Sleep(10 * time.Second)
		}
		p.want(t, "AUTH PLAIN AG1yb3NlAHdyb25n", "-ERR [AUTH] login refused")
		p.want(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm", early)
		time.Sleep(10 * time.Second)
		p.want(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm", "+OK maildrop has 2 messages (320 octets)")
		for range 2 {
			p := r.probe(t)
			p.want(t, "USER nobody", "+OK send the password")
			p.want(t, "PASS empty", "+OK maildrop has 0 messages (0 octets)")
			p.want(t, "QUIT", "+OK POP3 server signing off (maildrop empty)")
		}
	})
}

// A login that fails for another reason does not begin the wait.
func TestLoginDelayCountsLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, d *dropStore) {
			s.Policy.LoginDelay = time.Minute
			d.open = failOnce(errDisk)
		})
		p := r.probe(t)
		p.want(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm", "-ERR [SYS/TEMP] maildrop cannot be opened now")
		p.want(t, "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm", "+OK maildrop has 2 messages (320 octets)")
	})
}

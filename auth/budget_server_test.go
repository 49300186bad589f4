package auth

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// guesses are the ways to show a password of Tim's; each must cost a failure of the
// same budget.
var guesses = map[string]func(ctx context.Context, s *Server, cs ConnectionState, password string) (*Identity, error){
	"USER": func(ctx context.Context, s *Server, cs ConnectionState, password string) (*Identity, error) {
		return s.Password(ctx, cs, "tim", password)
	},
	"APOP": func(ctx context.Context, s *Server, cs ConnectionState, password string) (*Identity, error) {
		return s.Apop(ctx, cs, "<1@x>", "tim", md5.Sum([]byte("<1@x>"+password)))
	},
	"PLAIN": func(ctx context.Context, s *Server, cs ConnectionState, password string) (*Identity, error) {
		return run(ctx, s, cs, "PLAIN", func([]byte) []byte { return []byte("\x00tim\x00" + password) })
	},
	"LOGIN": func(ctx context.Context, s *Server, cs ConnectionState, password string) (*Identity, error) {
		return run(ctx, s, cs, "LOGIN", func(challenge []byte) []byte {
			if challenge == nil {
				return []byte("tim")
			}
			return []byte(password)
		})
	},
	"CRAM-MD5": func(ctx context.Context, s *Server, cs ConnectionState, password string) (*Identity, error) {
		return run(ctx, s, cs, "CRAM-MD5", func(challenge []byte) []byte {
			if challenge == nil {
				return nil
			}
			return []byte("tim " + hex.EncodeToString(cramDigest(password, string(challenge))))
		})
	},
	"SCRAM-SHA-256": func(ctx context.Context, s *Server, cs ConnectionState, password string) (*Identity, error) {
		client, err := PasswordCredentials{User: "tim", Password: password}.Client(ctx, cs, []string{"SCRAM-SHA-256"})
		if err != nil {
			return nil, err
		}
		return login(ctx, s, cs, "SCRAM-SHA-256", client)
	},
	"OAUTHBEARER": func(ctx context.Context, s *Server, cs ConnectionState, password string) (*Identity, error) {
		return run(ctx, s, cs, "OAUTHBEARER", func(challenge []byte) []byte {
			if challenge != nil {
				return []byte("\x01")
			}
			return []byte("n,a=tim,\x01auth=Bearer " + password + "\x01\x01")
		})
	},
}

// run carries an exchange to its end.
func run(ctx context.Context, s *Server, cs ConnectionState, mechanism string, answer func(challenge []byte) []byte) (*Identity, error) {
	x, err := s.Start(ctx, cs, mechanism)
	if err != nil {
		return nil, err
	}
	var challenge []byte
	for {
		next, done, err := x.Next(ctx, answer(challenge))
		if err != nil || done {
			return x.Identity(), err
		}
		challenge = append([]byte{}, next...)
	}
}

func budgeted(events *observed) *Server {
	secrets := Passwords{"tim": "tanstaaf"}
	return &Server{
		Passwords: secrets, Secrets: secrets, InsecureCRAMMD5: true, Observe: events.add,
		Tokens: TokenFunc(func(_ context.Context, t BearerToken) (string, error) {
			return "tim", secrets.VerifyPassword(context.Background(), "tim", t.Token)
		}),
	}
}

// TestBudgetIsOneForAllMechanisms: ten failures by one mechanism delay the eleventh by
// any other.
func TestBudgetIsOneForAllMechanisms(t *testing.T) {
	t.Parallel()
	for first, guess := range guesses {
		for second, another := range guesses {
			t.Run(first+" "+second, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var events observed
					s := budgeted(&events)
					begin := time.Now()
					for range defaultPerAccount {
						_, err := guess(t.Context(), s, secure, "wrong")
						require.ErrorIs(t, err, ErrCredentials)
					}
					require.Zero(t, time.Since(begin))
					id, err := another(t.Context(), s, secure, "tanstaaf")
					require.NoError(t, err)
					require.Equal(t, "tim", id.User)
					require.Equal(t, time.Second, time.Since(begin), "a right one waits as well")
					require.Equal(t, time.Second, events[defaultPerAccount].Delay)
					require.Zero(t, events[0].Delay)
				})
			})
		}
	}
}

// TestBudgetIsOneForAllSpellings: a name that is written in another way each time is
// charged as the one that it is.
func TestBudgetIsOneForAllSpellings(t *testing.T) {
	t.Parallel()
	spell := func(i int) string { return "t" + strings.Repeat("\u00ad", i) + "im" }
	for name, guess := range map[string]func(ctx context.Context, s *Server, user string) error{
		"PLAIN": func(ctx context.Context, s *Server, user string) error {
			_, err := converse(ctx, s, "PLAIN", "\x00"+user+"\x00wrong")
			return err
		},
		"USER": func(ctx context.Context, s *Server, user string) error {
			_, err := s.Password(ctx, secure, user, "wrong")
			return err
		},
		"APOP": func(ctx context.Context, s *Server, user string) error {
			_, err := s.Apop(ctx, secure, "<1@x>", user, [md5.Size]byte{})
			return err
		},
		"SCRAM-SHA-256": attemptSCRAM,
		"CRAM-MD5": func(ctx context.Context, s *Server, user string) error {
			_, err := login(ctx, s, secure, "", &cramClient{user: user, password: "wrong"})
			return err
		},
		"OAUTHBEARER": func(ctx context.Context, s *Server, user string) error {
			_, err := run(ctx, s, secure, "OAUTHBEARER", func(challenge []byte) []byte {
				return []byte("n,a=" + user + ",\x01auth=Bearer wrong\x01\x01")
			})
			return err
		},
		"XOAUTH2": func(ctx context.Context, s *Server, user string) error {
			_, err := run(ctx, s, secure, "XOAUTH2", func(challenge []byte) []byte {
				return []byte("user=" + user + "\x01auth=Bearer wrong\x01\x01")
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var events observed
				s := budgeted(&events)
				begin := time.Now()
				for i := range defaultPerAccount + 1 {
					require.ErrorIs(t, guess(t.Context(), s, spell(i)), ErrCredentials)
				}
				require.Equal(t, time.Second, time.Since(begin))
				require.Equal(t, "tim", events[3].User)
			})
		})
	}
}

// TestBudgetThrottles: what is not looked at is a temporary failure, and is told.
func TestBudgetThrottles(t *testing.T) {
	t.Parallel()
	for name, guess := range guesses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var events observed
				s := budgeted(&events)
				s.Budget = &Budget{PerAccount: 1, MaxDelayed: 1}
				_, err := guess(t.Context(), s, secure, "wrong")
				require.ErrorIs(t, err, ErrCredentials)
				go func() { // takes the only place
					end, err := s.Budget.Begin(t.Context(), secure, "tim")
					if err == nil {
						end(nil)
					}
				}()
				synctest.Wait()
				_, err = guess(t.Context(), s, secure, "tanstaaf")
				require.ErrorIs(t, err, ErrThrottled)
				require.NotErrorIs(t, err, ErrCredentials)
				require.Equal(t, Throttled, events[1].Outcome())
				require.Nil(t, events[1].Identity)
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestBudgetOff: any number of failures, and no delay.
func TestBudgetOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var events observed
		s := budgeted(&events)
		s.Budget = &Budget{PerAccount: -1, PerNet: -1}
		begin := time.Now()
		for range 100 {
			_, err := s.Password(t.Context(), secure, "tim", "wrong")
			require.ErrorIs(t, err, ErrCredentials)
		}
		require.Zero(t, time.Since(begin))
	})
}

func TestEventOutcome(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]Outcome{
		nil: Succeeded, ErrCredentials: Refused, malformed("x"): Malformed, ErrThrottled: Throttled,
		errOutage: Unavailable, context.DeadlineExceeded: Unavailable,
		errors.Join(errors.New("x"), ErrCredentials): Refused,
	} {
		require.Equal(t, want, Event{Err: err}.Outcome())
	}
}

// TestEventInLogs: no secret, no name of a failed attempt, no text of an error.
func TestEventInLogs(t *testing.T) {
	t.Parallel()
	cs := secure
	cs.RemoteAddr = net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:7"))
	for want, e := range map[string]Event{
		`attempt.outcome=succeeded attempt.mechanism=PLAIN attempt.conn=c2 attempt.proto=SMTP attempt.tls=true attempt.peer=192.0.2.1:7 attempt.user=tim`: {
			State: cs, Mechanism: "PLAIN", User: "tim", Identity: &Identity{User: "tim", Name: "tim"},
		},
		`attempt.outcome=succeeded attempt.mechanism=PLAIN attempt.conn=c2 attempt.proto=SMTP attempt.tls=true attempt.user=tim attempt.name=boss attempt.delay=1s`: {
			State: secure, Mechanism: "PLAIN", User: "tim", Identity: &Identity{User: "tim", Name: "boss"}, Delay: time.Second,
		},
		`attempt.outcome=unavailable attempt.mechanism=USER attempt.conn=c1 attempt.proto=SMTP attempt.tls=false`: {
			State: cleartext, Mechanism: "USER", User: "my password", Err: errOutage,
		},
	} {
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("login", "attempt", e)
		require.Contains(t, b.String(), "msg=login "+want+"\n")
		require.NotContains(t, b.String(), "password")
	}
}

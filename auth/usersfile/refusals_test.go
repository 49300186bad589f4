package usersfile_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/usersfile"
)

// The names that the refusals are about: of one length, and only the first is a user's.
var names = [2]string{"tim", "tom"}

var secure = auth.ConnectionState{Protocol: auth.SMTP, TLS: &tls.ConnectionState{HandshakeComplete: true}}

// attempts are the ways to show a wrong password, without the work that a client has
// with it.
var attempts = map[string]func(s *auth.Server, user string) error{
	"PLAIN": func(s *auth.Server, user string) error {
		return exchange(s, "PLAIN", func([]byte) []byte { return []byte("\x00" + user + "\x00wrong") })
	},
	"LOGIN": func(s *auth.Server, user string) error {
		return exchange(s, "LOGIN", func(challenge []byte) []byte {
			if challenge == nil {
				return []byte(user)
			}
			return []byte("wrong")
		})
	},
	"USER": func(s *auth.Server, user string) error {
		_, err := s.Password(context.Background(), secure, user, "wrong")
		return err
	},
	"APOP": func(s *auth.Server, user string) error {
		_, err := s.Apop(context.Background(), secure, "<1896.697170952@dbc.mtview.ca.us>", user, [md5.Size]byte{})
		return err
	},
	"CRAM-MD5": func(s *auth.Server, user string) error {
		return exchange(s, "CRAM-MD5", func(challenge []byte) []byte {
			if challenge == nil {
				return nil
			}
			return hex.AppendEncode([]byte(user+" "), make([]byte, md5.Size))
		})
	},
	"SCRAM-SHA-1":   func(s *auth.Server, user string) error { return scram(s, "SCRAM-SHA-1", user, 20) },
	"SCRAM-SHA-256": func(s *auth.Server, user string) error { return scram(s, "SCRAM-SHA-256", user, 32) },
	"SCRAM-SHA-512": func(s *auth.Server, user string) error { return scram(s, "SCRAM-SHA-512", user, 64) },
}

func scram(s *auth.Server, mechanism, user string, size int) error {
	return exchange(s, mechanism, func(challenge []byte) []byte {
		if challenge == nil {
			return []byte("n,,n=" + user + ",r=abc")
		}
		nonce, _, _ := bytes.Cut(challenge, []byte(","))
		return []byte("c=biws," + string(nonce) + ",p=" + base64.StdEncoding.EncodeToString(make([]byte, size)))
	})
}

func exchange(s *auth.Server, mechanism string, answer func(challenge []byte) []byte) error {
	x, err := s.Start(context.Background(), secure, mechanism)
	if err != nil {
		return err
	}
	challenge, done, err := x.Next(context.Background(), answer(nil))
	for err == nil && !done {
		challenge, done, err = x.Next(context.Background(), answer(append([]byte{}, challenge...)))
	}
	return err
}

// stores are what a server verifies with, and the mechanisms that each is good for. The
// hashes have the parameters of new ones, and the least that are taken too, where there
// is the least to hide behind.
var stores = []struct {
	name       string
	secret     func() (string, error) // of each user in the file; nil: there is no file
	dear       bool
	mechanisms []string
}{
	{"table", nil, false, []string{"PLAIN", "LOGIN", "USER", "APOP", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"}},
	{"plain", made(usersfile.Plain), false, []string{"PLAIN", "APOP", "CRAM-MD5", "SCRAM-SHA-256"}},
	{"scram", made(usersfile.SCRAMSHA256), true, []string{"PLAIN", "SCRAM-SHA-256"}},
	{"scram-4096", func() (string, error) {
		k, err := auth.NewSCRAMKeys(auth.SCRAMSHA256, "right", auth.MinSCRAMIterations)
		return k.Encode(), err
	}, false, []string{"PLAIN", "USER", "SCRAM-SHA-256", "CRAM-MD5", "APOP"}},
	{"bcrypt", made(usersfile.Bcrypt), true, []string{"PLAIN"}},
	{"bcrypt-5", func() (string, error) { return "$2y$05$GM./RnTTGBDpJr.BiDeHWe2E7mvtgp7fe8mVP7WiSuuIv9sOiFT4C", nil }, false, []string{"PLAIN"}},
	{"argon2id", made(usersfile.Argon2id), true, []string{"PLAIN"}},
	{"argon2id-8k", func() (string, error) {
		return "$argon2id$v=19$m=8,t=1,p=1$c29tZSBzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", nil
	}, false, []string{"PLAIN", "CRAM-MD5", "APOP"}},
}

func made(kind usersfile.Kind) func() (string, error) {
	return func() (string, error) { return usersfile.Make(kind, "right") }
}

// serve returns a server that verifies with such a store.
func serve(t testing.TB, secret func() (string, error)) *auth.Server {
	t.Helper()
	s := &auth.Server{InsecureCRAMMD5: true, Budget: &auth.Budget{PerAccount: -1, PerNet: -1}}
	if secret == nil {
		table := auth.Passwords{"tim": "right", "ann": "right", "joe": "right"}
		s.Passwords, s.Secrets = table, table
		return s
	}
	name := filepath.Join(t.TempDir(), "users")
	for _, user := range []string{"tim", "ann", "joe"} {
		text, err := secret()
		require.NoError(t, err)
		require.NoError(t, usersfile.Set(name, user, text))
	}
	f, err := usersfile.Open(name, &usersfile.Config{Check: time.Hour})
	require.NoError(t, err)
	s.Passwords, s.SCRAM, s.Secrets = f, f, f
	return s
}

// TestRefusalsDoNotDiffer: a user who does not exist, one whose password is another, and
// one who has nothing that the mechanism could use, are refused by one error, with as many
// allocations.
func TestRefusalsDoNotDiffer(t *testing.T) {
	f := filepath.Join(t.TempDir(), "users") // of all kinds
	for i, store := range stores {
		if store.dear {
			continue
		}
		if store.secret != nil {
			text, err := store.secret()
			require.NoError(t, err)
			require.NoError(t, usersfile.Set(f, string(rune('a'+i)), text))
		}
		s := serve(t, store.secret)
		for _, mechanism := range store.mechanisms {
			t.Run(store.name+"/"+mechanism, func(t *testing.T) {
				var allocs [2]float64
				for i, user := range names {
					require.Equal(t, auth.ErrCredentials, attempts[mechanism](s, user))
					allocs[i] = testing.AllocsPerRun(5, func() { _ = attempts[mechanism](s, user) })
				}
				// What is kept in pools comes and goes.
				require.InDelta(t, allocs[0], allocs[1], max(1, allocs[0]/10))
			})
		}
	}
	// In a file of all kinds too, whatever a user has.
	users, err := usersfile.Open(f, nil)
	require.NoError(t, err)
	s := &auth.Server{Passwords: users, Secrets: users, InsecureCRAMMD5: true}
	for _, mechanism := range []string{"PLAIN", "LOGIN", "USER", "APOP", "CRAM-MD5"} {
		for _, user := range append(users.Users(), "nobody") {
			require.Equal(t, auth.ErrCredentials, attempts[mechanism](s, user), "%s of %s", mechanism, user)
		}
	}
}

// BenchmarkRefusals is a table of what it costs to refuse a user who does not exist, and
// one whose password is another: the mean of each in microseconds of the processor, and by
// how many percent mean and median differ. For 2,000 tries of each, or more where they are
// short:
//
//	go test ./auth/usersfile -run '^$' -bench Refusals -benchtime 2000x -timeout 1h
//
// As many as take a millisecond are measured at once, of the one name and then of the
// other, the next time in the other order. Garbage is collected in between.
func BenchmarkRefusals(b *testing.B) {
	for _, store := range stores {
		s := serve(b, store.secret)
		for _, mechanism := range store.mechanisms {
			b.Run(store.name+"/"+mechanism, func(b *testing.B) { compare(b, s, attempts[mechanism]) })
		}
	}
}

func compare(b *testing.B, s *auth.Server, attempt func(*auth.Server, string) error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	try := func(user string) {
		if err := attempt(s, user); !errors.Is(err, auth.ErrCredentials) {
			b.Fatal(err)
		}
	}
	var block int
	for range 3 {
		begin := time.Now()
		try(names[0])
		block = max(1, int(time.Millisecond/(time.Since(begin)+1)))
	}
	var blocks [2][]time.Duration
	for round := range max(b.N/block, min(b.N, 100)) {
		if round%8 == 0 {
			runtime.GC()
		}
		for i := range names {
			i ^= round & 1 // the second finds the caches warm: each is it in turn
			begin := processor()
			for range block {
				try(names[i])
			}
			blocks[i] = append(blocks[i], (processor()-begin)/time.Duration(block))
		}
	}
	var mean, median [2]float64
	for i, all := range blocks {
		slices.Sort(all)
		median[i] = all[len(all)/2].Seconds() * 1e6
		for _, d := range all {
			mean[i] += d.Seconds() * 1e6 / float64(len(all))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(mean[0], "1-wrong-mean-µs")
	b.ReportMetric(mean[1], "2-unknown-mean-µs")
	b.ReportMetric(100*(mean[0]/mean[1]-1), "3-%mean")
	b.ReportMetric(100*(median[0]/median[1]-1), "4-%median")
}

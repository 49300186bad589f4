package auth

import (
	"context"
	"crypto/md5"
	"hash"
	"testing"

	"github.com/stretchr/testify/require"
)

// tallied is a hash that counts what it is given, in octets and in sums.
type tallied struct {
	hash.Hash
	octets, sums *int
}

func (c tallied) Write(p []byte) (int, error) {
	*c.octets += len(p)
	return c.Hash.Write(p)
}

func (c tallied) Sum(b []byte) []byte {
	*c.sums++
	return c.Hash.Sum(b)
}

// endless is for tests that fail often and are in a hurry.
var endless = &Budget{PerAccount: -1, PerNet: -1}

// refusals are ways to be refused: as a user who does not exist, and with a wrong
// password, the names being of one length.
var refusals = []struct {
	name    string
	server  *Server
	attempt func(ctx context.Context, s *Server, user string) error
}{
	{"SCRAM stored", &Server{SCRAM: costTable, Budget: endless}, attemptSCRAM},
	{"SCRAM secrets", &Server{Budget: endless, Secrets: Passwords{"tim": "tanstaaf"}}, attemptSCRAM},
	{"CRAM-MD5", &Server{Budget: endless, Secrets: Passwords{"tim": "tanstaaf"}, InsecureCRAMMD5: true}, func(ctx context.Context, s *Server, user string) error {
		_, err := login(ctx, s, secure, "", &cramClient{user: user, password: "wrong"})
		return err
	}},
	{"PLAIN", &Server{Budget: endless, Passwords: Passwords{"tim": "tanstaaf"}}, func(ctx context.Context, s *Server, user string) error {
		_, err := converse(ctx, s, "PLAIN", "\x00"+user+"\x00wrong")
		return err
	}},
	{"APOP", &Server{Budget: endless, Secrets: Passwords{"tim": "tanstaaf"}}, func(ctx context.Context, s *Server, user string) error {
		_, err := s.Apop(ctx, secure, "<1@x>", user, [md5.Size]byte{})
		return err
	}},
}

var costTable = scramTable{SCRAMParams{Iterations: 4096}, map[string]SCRAMKeys{"tim": {
	Hash: SCRAMSHA256, Iterations: 4096, Salt: make([]byte, 16), StoredKey: make([]byte, 32), ServerKey: make([]byte, 32),
}}}

// attemptSCRAM shows a proof without the cost of making one.
func attemptSCRAM(ctx context.Context, s *Server, user string) error {
	return attemptCounted(ctx, s, user, nil)
}

func attemptCounted(ctx context.Context, s *Server, user string, kit *scramHash) error {
	x, err := s.Start(ctx, secure, "SCRAM-SHA-256")
	if err != nil {
		return err
	}
	if kit != nil {
		x.steps.(*scramServer).kit = kit
	}
	challenge, _, err := x.Next(ctx, []byte("n,,n="+user+",r=abc"))
	if err != nil {
		return err
	}
	m, err := parseServerFirst(string(challenge))
	if err != nil {
		return err
	}
	_, _, err = x.Next(ctx, AppendBase64([]byte("c=biws,r="+m.nonce+",p="), make([]byte, 32)))
	return err
}

// TestRefusalsCostTheSame counts the work, which says more than a clock on a busy
// machine: every octet that is hashed, every sum, and every allocation.
func TestRefusalsCostTheSame(t *testing.T) {
	for _, row := range refusals {
		t.Run(row.name, func(t *testing.T) {
			allocs := map[string]float64{}
			for _, user := range []string{"tim", "tom"} {
				allocs[user] = testing.AllocsPerRun(20, func() {
					if err := row.attempt(t.Context(), row.server, user); err != ErrCredentials {
						t.Errorf("answered with %v, which is not the same for everybody", err)
					}
				})
			}
			// What is kept in pools comes and goes.
			require.InDelta(t, allocs["tim"], allocs["tom"], max(1, allocs["tim"]/10))
		})
	}
	for _, s := range []*Server{refusals[0].server, refusals[1].server} {
		work := map[string][2]int{}
		for _, user := range []string{"tim", "tom"} {
			var octets, sums int
			kit := scramHashes[SCRAMSHA256]
			sum := kit.new
			kit.new = func() hash.Hash { return tallied{sum(), &octets, &sums} }
			require.Equal(t, ErrCredentials, attemptCounted(t.Context(), s, user, &kit))
			work[user] = [2]int{octets, sums}
		}
		require.Equal(t, work["tim"], work["tom"])
		require.Greater(t, work["tim"][1], 3)
	}
}

// TestUnknownUsersHaveASalt asks for the salt of users that do not exist: it is as long
// as others, as often iterated, their own, and the same each time.
func TestUnknownUsersHaveASalt(t *testing.T) {
	t.Parallel()
	ask := func(s *Server, mechanism, user string) serverFirst {
		x, err := s.Start(t.Context(), secure, mechanism)
		require.NoError(t, err)
		challenge, _, err := x.Next(t.Context(), []byte("n,,n="+user+",r=abc"))
		require.NoError(t, err)
		m, err := parseServerFirst(string(challenge))
		require.NoError(t, err)
		m.nonce = ""
		return m
	}
	stored := &Server{SCRAM: scramTable{SCRAMParams{Iterations: 5000, SaltSize: 40}, map[string]SCRAMKeys{"tim": {
		Hash: SCRAMSHA256, Iterations: 5000, Salt: make([]byte, 40), StoredKey: make([]byte, 32), ServerKey: make([]byte, 32),
	}}}}
	secrets := &Server{Budget: endless, Secrets: Passwords{"tim": "tanstaaf"}}
	for _, s := range []*Server{stored, secrets} {
		known, tom, tum := ask(s, "SCRAM-SHA-256", "tim"), ask(s, "SCRAM-SHA-256", "tom"), ask(s, "SCRAM-SHA-256", "tum")
		require.Equal(t, known.iterations, tom.iterations)
		require.Len(t, tom.salt, len(known.salt))
		require.NotEqual(t, tom.salt, tum.salt)
		require.Equal(t, tom, ask(s, "SCRAM-SHA-256", "tom"))
		require.Equal(t, tom, ask(s, "SCRAM-SHA-256", "to\u00adm"), "a name is prepared before")
		require.Equal(t, known, ask(s, "SCRAM-SHA-256", "tim"))
	}
	require.NotEqual(t, ask(secrets, "SCRAM-SHA-256", "tom").salt, ask(secrets, "SCRAM-SHA-1", "tom").salt)
	// Another server of the program tells the same, and so does one on another
	// machine that has the key.
	other := &Server{Secrets: Passwords{"sue": "x"}}
	require.Equal(t, ask(secrets, "SCRAM-SHA-256", "tom"), ask(other, "SCRAM-SHA-256", "tom"))
	keyed := &Server{Secrets: secrets.Secrets, SaltKey: []byte("a key of many octets"), Budget: endless}
	twin := &Server{Secrets: other.Secrets, SaltKey: []byte("a key of many octets"), Budget: endless}
	require.Equal(t, ask(keyed, "SCRAM-SHA-256", "tom"), ask(twin, "SCRAM-SHA-256", "tom"))
	require.NotEqual(t, ask(keyed, "SCRAM-SHA-256", "tom"), ask(other, "SCRAM-SHA-256", "tom"))
}

// Keys that a source should not have are an outage, and let nobody in.
func TestSCRAMKeysThatAreDamaged(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]SCRAMKeys{
		"another hash":        {Hash: SCRAMSHA1, Iterations: 4096, Salt: []byte("x"), StoredKey: make([]byte, 20), ServerKey: make([]byte, 20)},
		"zero":                {},
		"too few iterations":  {Hash: SCRAMSHA256, Iterations: 1, Salt: []byte("x"), StoredKey: make([]byte, 32), ServerKey: make([]byte, 32)},
		"keys of no octets":   {Hash: SCRAMSHA256, Iterations: 4096, Salt: []byte("x")},
		"a key that is short": {Hash: SCRAMSHA256, Iterations: 4096, Salt: []byte("x"), StoredKey: make([]byte, 31), ServerKey: make([]byte, 32)},
	} {
		s := &Server{SCRAM: scramFunc(func() (SCRAMKeys, error) { return k, nil })}
		err := attemptSCRAM(t.Context(), s, "tim")
		require.Error(t, err, name)
		require.NotErrorIs(t, err, ErrCredentials, name)
	}
}

type scramFunc func() (SCRAMKeys, error)

func (scramFunc) SCRAMParams(SCRAMHash) SCRAMParams { return SCRAMParams{Iterations: 4096} }

func (f scramFunc) SCRAMKeys(context.Context, SCRAMHash, string) (SCRAMKeys, error) { return f() }

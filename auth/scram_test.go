package auth

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// scramTable is a source for the tests: keys of one hash, by user.
type scramTable struct {
	params SCRAMParams
	keys   map[string]SCRAMKeys
}

func (s scramTable) SCRAMParams(hash SCRAMHash) SCRAMParams {
	for _, k := range s.keys {
		if k.Hash == hash {
			return s.params
		}
	}
	return SCRAMParams{}
}

func (s scramTable) SCRAMKeys(_ context.Context, hash SCRAMHash, user string) (SCRAMKeys, error) {
	k, ok := s.keys[user]
	switch {
	case user == "outage":
		return k, errOutage
	case !ok || k.Hash != hash:
		return SCRAMKeys{}, ErrCredentials
	}
	return k, nil
}

// keysOf are the keys of "pencil", for the hash and the salt of a server's first
// message.
func keysOf(t testing.TB, hash SCRAMHash, password, serverFirst string) SCRAMKeys {
	t.Helper()
	m, err := parseServerFirst(serverFirst)
	require.NoError(t, err)
	k, err := DeriveSCRAMKeys(hash, password, m.salt, m.iterations)
	require.NoError(t, err)
	return k
}

func hashOf(t testing.TB, name string) SCRAMHash {
	t.Helper()
	for h := SCRAMSHA1; h <= SCRAMSHA512; h++ {
		if h.String() == name {
			return h
		}
	}
	t.Fatalf("no hash %s", name)
	return 0
}

type scramDialogue struct {
	Mech, User, Password, C1, S1, C2, S2 string
}

// scramExamples are those of RFC 5802 section 5 and RFC 7677 section 3.
var scramExamples = []scramDialogue{
	{
		"SCRAM-SHA-1", "user", "pencil",
		"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
	},
	{
		"SCRAM-SHA-256", "user", "pencil",
		"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
	},
}

func TestSCRAMExamples(t *testing.T) {
	t.Parallel()
	examples := scramExamples
	// The shared ones, where they are at hand.
	text, err := os.ReadFile(filepath.FromSlash("../../shared/data/sasl/sasl-rfc/scram-rfc5802-rfc7677.json"))
	if err == nil {
		var shared []scramDialogue
		require.NoError(t, json.Unmarshal(text, &shared))
		require.NotEmpty(t, shared)
		examples = append(examples, shared...)
	}
	for _, e := range examples {
		t.Run(e.Mech, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc5802-4-2", "rfc5802-5.1-1", "rfc5802-5.1-11", "rfc5802-5.1-12")
			hash := hashOf(t, e.Mech)
			_, nonce, _ := strings.Cut(e.C1, ",r=")
			c := &scramClient{hash: &scramHashes[hash], flag: "n", user: e.User, password: e.Password, maxIterations: 4096, nonce: nonce}
			mech, ir, err := c.Start()
			require.NoError(t, err)
			require.Equal(t, e.Mech, mech)
			require.Equal(t, e.C1, string(ir))
			c2, err := c.Next([]byte(e.S1))
			require.NoError(t, err)
			require.Equal(t, e.C2, string(c2))
			require.ErrorIs(t, c.Finish(nil), ErrServer, "nothing proven yet")
			last, err := c.Next([]byte(e.S2))
			require.NoError(t, err)
			require.NotNil(t, last)
			require.Empty(t, last)
			require.NoError(t, c.Finish(nil))
			_, err = c.Next(nil)
			require.ErrorIs(t, err, sasl.ErrUnexpectedServerChallenge)

			m, err := parseServerFirst(e.S1)
			require.NoError(t, err)
			s := &Server{SCRAM: scramTable{SCRAMParams{Iterations: 4096}, map[string]SCRAMKeys{e.User: keysOf(t, hash, e.Password, e.S1)}}}
			x := startSCRAM(t, s, secure, e.Mech, strings.TrimPrefix(m.nonce, nonce))
			for _, step := range []struct{ response, challenge string }{{e.C1, e.S1}, {e.C2, e.S2}} {
				challenge, done, err := x.Next(t.Context(), []byte(step.response))
				require.NoError(t, err)
				require.False(t, done)
				require.Equal(t, step.challenge, string(challenge))
			}
			_, done, err := x.Next(t.Context(), []byte{})
			require.NoError(t, err)
			require.True(t, done)
			require.Equal(t, &Identity{User: e.User, Name: e.User, Mechanism: e.Mech}, x.Identity())
		})
	}
}

// startSCRAM begins an exchange with a nonce that is known before.
func startSCRAM(t testing.TB, s *Server, cs ConnectionState, mechanism, nonce string) *Exchange {
	t.Helper()
	x, err := s.Start(t.Context(), cs, mechanism)
	require.NoError(t, err)
	x.steps.(*scramServer).nonce = nonce
	return x
}

// login runs a client against a server.
func login(ctx context.Context, s *Server, cs ConnectionState, mechanism string, client sasl.Client) (*Identity, error) {
	name, response, err := client.Start()
	if err != nil {
		return nil, err
	}
	if mechanism != "" {
		name = mechanism
	}
	x, err := s.Start(ctx, cs, name)
	if err != nil {
		return nil, err
	}
	for {
		challenge, done, err := x.Next(ctx, response)
		if err != nil || done {
			return x.Identity(), Finish(client, err)
		}
		if response, err = client.Next(challenge); err != nil {
			return nil, err
		}
	}
}

// TestSCRAMClaims shows names and passwords of all kinds by SCRAM, with keys that are
// stored and with keys made of secrets.
func TestSCRAMClaims(t *testing.T) {
	t.Parallel()
	secrets := Passwords{"tim": "tanstaaf", "IX": "pass word", "a,b=c": "x=,y", "j\u00fcrgen": "gr\u00fc\u00dfe", "unfit": "\a"}
	stored := map[string]SCRAMKeys{}
	for user, password := range secrets {
		if k, err := NewSCRAMKeys(SCRAMSHA256, password, 4096); err == nil {
			stored[user] = k
		}
	}
	source := SecretFunc(func(ctx context.Context, user string) (string, error) {
		if user == "outage" {
			return "", errOutage
		}
		return secrets.Secret(ctx, user)
	})
	authorize := func(_ context.Context, id Identity) error {
		switch id {
		case Identity{"tim", "boss", "SCRAM-SHA-256"}:
			return nil
		case Identity{"tim", "outage", "SCRAM-SHA-256"}:
			return errOutage
		}
		return ErrCredentials
	}
	for way, s := range map[string]*Server{
		"stored":  {SCRAM: scramTable{SCRAMParams{Iterations: 4096}, stored}, Authorize: authorize},
		"secrets": {Secrets: source, Authorize: authorize},
	} {
		for _, row := range []struct {
			name, authzid, user, password string
			as                            string
			err                           error
			event                         string
			covers                        []string
		}{
			{"right", "", "tim", "tanstaaf", "tim", nil, "tim", nil},
			{"name and password prepared", "", "I\u00adX", "pass\u00a0word", "IX", nil, "IX", []string{"rfc5802-2.2-1", "rfc5802-5.1-2", "rfc5802-5.1-4"}},
			{"commas and equals signs", "", "a,b=c", "x=,y", "a,b=c", nil, "a,b=c", nil},
			{"UTF-8", "", "j\u00fcrgen", "gr\u00fc\u00dfe", "j\u00fcrgen", nil, "j\u00fcrgen", []string{"rfc5802-3-1"}},
			{"wrong password", "", "tim", "tanstaafl", "", ErrCredentials, "tim", nil},
			{"unknown user", "", "tom", "tanstaaf", "", ErrCredentials, "tom", nil},
			{"unknown user, by what is hashed instead", "", "tom", noSecret, "", ErrCredentials, "tom", nil},
			{"a secret that is none, by what is hashed instead", "", "unfit", noSecret, "", ErrCredentials, "unfit", nil},
			{"a secret that is none", "", "unfit", "x", "", ErrCredentials, "unfit", nil},
			{"outage", "", "outage", "x", "", errOutage, "outage", nil},
			{"authzid is the user", "I\u00adX", "IX", "pass word", "IX", nil, "IX", nil},
			{"authzid granted", "boss", "tim", "tanstaaf", "boss", nil, "tim", nil},
			{"authzid refused", "root", "tim", "tanstaaf", "", ErrCredentials, "tim", nil},
			{"authzid not found out", "outage", "tim", "tanstaaf", "", errOutage, "tim", nil},
			{"authzid with a wrong password", "boss", "tim", "x", "", ErrCredentials, "tim", nil},
		} {
			t.Run(way+"/"+row.name, func(t *testing.T) {
				t.Parallel()
				if row.covers != nil {
					rfc.Covers(t, row.covers...)
				}
				var events observed
				server := &Server{Passwords: s.Passwords, SCRAM: s.SCRAM, Secrets: s.Secrets, Authorize: s.Authorize, Observe: events.add}
				client, err := PasswordCredentials{User: row.user, Password: row.password, Name: row.authzid}.
					Client(t.Context(), secure, []string{"SCRAM-SHA-256", "PLAIN"})
				require.NoError(t, err)
				id, err := login(t.Context(), server, secure, "", client)
				require.ErrorIs(t, err, row.err)
				if row.err == errOutage {
					require.NotErrorIs(t, err, ErrCredentials)
				}
				var want *Identity
				if row.as != "" {
					want = &Identity{User: row.event, Name: row.as, Mechanism: "SCRAM-SHA-256"}
				}
				require.Equal(t, want, id)
				require.Len(t, events, 1)
				require.Equal(t, Event{State: secure, Mechanism: "SCRAM-SHA-256", User: row.event, Identity: want, Err: events[0].Err}, events[0])
				require.ErrorIs(t, events[0].Err, row.err)
			})
		}
	}
}

// TestSCRAMServerRefuses sends what no client sends.
func TestSCRAMServerRefuses(t *testing.T) {
	t.Parallel()
	e := scramExamples[0]
	keys := keysOf(t, SCRAMSHA1, e.Password, e.S1)
	server := &Server{SCRAM: scramTable{SCRAMParams{Iterations: 4096}, map[string]SCRAMKeys{"user": keys}}}
	const s1 = "3rfcNHYJY1ZVvWVs7j"
	with := func(old, now string) string {
		require.Contains(t, e.C2, old)
		return strings.Replace(e.C2, old, now, 1)
	}
	for _, row := range []struct {
		name, c1, c2 string
		credentials  bool // refused as credentials, not as a mistake
		covers       []string
	}{
		{"not a message", "hello", "", false, []string{"rfc5802-5-1"}},
		{"nothing", "", "", false, nil},
		{"GS2 flag F", "F,,n=user,r=abc", "", false, []string{"rfc5802-5-1"}},
		{"flag w", "w,,n=user,r=abc", "", false, []string{"rfc5802-5-1"}},
		{"flag nn", "nn,,n=user,r=abc", "", false, []string{"rfc5802-5-1"}},
		{"flag p without a type", "p=,,n=user,r=abc", "", false, nil},
		{"flag p with a bad type", "p=tls_exporter,,n=user,r=abc", "", false, nil},
		{"flag p without -PLUS", "p=tls-exporter,,n=user,r=abc", "", false, []string{"rfc5802-6-9"}},
		{"no second comma", "n,n=user", "", false, nil},
		{"authzid without a=", "n,user,n=user,r=abc", "", false, nil},
		{"authzid empty", "n,a=,n=user,r=abc", "", false, nil},
		{"authzid badly quoted", "n,a=x=2cy,n=user,r=abc", "", false, nil},
		{"mandatory extension", "n,,m=x,n=user,r=abc", "", false, []string{"rfc5802-5.1-8", "rfc5802-5.1-15"}},
		{"mandatory extension at the end", "n,,n=user,r=abc,m=x", "", false, []string{"rfc5802-5.1-8", "rfc5802-5.1-15"}},
		{"no user", "n,,r=abc", "", false, nil},
		{"empty user", "n,,n=,r=abc", "", false, nil},
		{"user = alone", "n,,n=us=er,r=abc", "", false, []string{"rfc5802-5.1-7"}},
		{"user =2c in lower case", "n,,n=us=2cer,r=abc", "", false, []string{"rfc5802-5.1-7"}},
		{"user = at the end", "n,,n=user=,r=abc", "", false, []string{"rfc5802-5.1-7"}},
		{"user =3 at the end", "n,,n=user=3,r=abc", "", false, []string{"rfc5802-5.1-7"}},
		{"user prepared to nothing", "n,,n=\u00ad,r=abc", "", true, []string{"rfc5802-5.1-5"}},
		{"user prohibited", "n,,n=\ue000,r=abc", "", true, []string{"rfc5802-5.1-5"}},
		{"user too long", "n,,n=" + long("u") + "u,r=abc", "", false, nil},
		{"not UTF-8", "n,,n=us\xffer,r=abc", "", false, nil},
		{"NUL", "n,,n=us\x00er,r=abc", "", false, nil},
		{"no nonce", "n,,n=user", "", false, nil},
		{"empty nonce", "n,,n=user,r=", "", false, nil},
		{"nonce with a blank", "n,,n=user,r=a b", "", false, nil},
		{"nonce not ASCII", "n,,n=user,r=\u00e9", "", false, nil},
		{"comma at the end", "n,,n=user,r=abc,", "", false, nil},
		{"extension without a name", "n,,n=user,r=abc,1=x", "", false, nil},
		{"message too long", "n,,n=user,r=" + strings.Repeat("r", 4096), "", false, nil},

		{"binding of another header", e.C1, with("c=biws", "c=eSws"), true, []string{"rfc5802-6-10"}},
		{"binding data where there is none", e.C1, with("c=biws", "c=biwsAAAA"), true, []string{"rfc5802-7-2"}},
		{"binding not base64", e.C1, with("c=biws", "c=biw"), false, nil},
		{"binding missing", e.C1, with("c=biws,", ""), false, []string{"rfc5802-5.1-11"}},
		{"nonce cut short", e.C1, with("Vs7j,", "Vs7,"), false, []string{"rfc5802-5.1-10"}},
		{"nonce of the client alone", e.C1, with("3rfcNHYJY1ZVvWVs7j", ""), false, []string{"rfc5802-5.1-10"}},
		{"nonce of the server alone", e.C1, with("fyko+d2lbbFgONRv9qkxdawL", ""), false, []string{"rfc5802-5.1-10"}},
		{"proof of another", e.C1, with("p=v0X8", "p=v0X9"), true, nil},
		{"proof short", e.C1, with("+HI4Ts=", ""), false, nil},
		{"proof long", e.C1, with("4Ts=", "4TsA"), false, nil},
		{"no proof", e.C1, "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j", false, nil},
		{"something after the proof", e.C1, e.C2 + ",x=y", false, nil},
		{"an extension that the proof does not know", e.C1, with(",p=", ",x=y,p="), true, nil},
		{"mandatory extension in the end", e.C1, with(",p=", ",m=y,p="), false, []string{"rfc5802-5.1-8"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.covers != nil {
				rfc.Covers(t, row.covers...)
			}
			x := startSCRAM(t, server, secure, "SCRAM-SHA-1", s1)
			challenge, done, err := x.Next(t.Context(), []byte(row.c1))
			if row.c2 != "" {
				require.NoError(t, err)
				require.Equal(t, e.S1, string(challenge))
				challenge, done, err = x.Next(t.Context(), []byte(row.c2))
			}
			require.Error(t, err)
			require.False(t, done)
			require.Nil(t, challenge, "no message tells why (RFC 5802 section 5.1: optional)")
			require.Nil(t, x.Identity())
			if row.credentials {
				require.ErrorIs(t, err, ErrCredentials)
				return
			}
			bad := (*MalformedError)(nil)
			require.ErrorAs(t, err, &bad)
		})
	}

	t.Run("something after the signature", func(t *testing.T) {
		t.Parallel()
		x := startSCRAM(t, server, secure, "SCRAM-SHA-1", s1)
		for _, response := range []string{e.C1, e.C2} {
			_, _, err := x.Next(t.Context(), []byte(response))
			require.NoError(t, err)
		}
		_, done, err := x.Next(t.Context(), []byte("x"))
		require.Error(t, err)
		require.False(t, done)
		require.Nil(t, x.Identity())
	})
	t.Run("cancelled before the end", func(t *testing.T) {
		t.Parallel()
		x := startSCRAM(t, server, secure, "SCRAM-SHA-1", s1)
		for _, response := range []string{e.C1, e.C2} {
			_, _, err := x.Next(t.Context(), []byte(response))
			require.NoError(t, err)
		}
		require.NoError(t, x.Cancel())
		_, _, err := x.Next(t.Context(), []byte{})
		require.Error(t, err)
		require.Nil(t, x.Identity())
	})
	t.Run("no initial response", func(t *testing.T) {
		t.Parallel()
		x := startSCRAM(t, server, secure, "SCRAM-SHA-1", s1)
		challenge, done, err := x.Next(t.Context(), nil)
		require.NoError(t, err)
		require.False(t, done)
		require.Equal(t, []byte{}, challenge)
		challenge, _, err = x.Next(t.Context(), []byte(e.C1))
		require.NoError(t, err)
		require.Equal(t, e.S1, string(challenge))
	})
}

// Extensions that nobody knows are no reason to refuse, but are hashed.
func TestSCRAMExtensions(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5802-5.1-16", "rfc5802-7-1")
	e := scramExamples[1]
	kit := &scramHashes[SCRAMSHA256]
	keys := keysOf(t, SCRAMSHA256, e.Password, e.S1)
	server := &Server{SCRAM: scramTable{SCRAMParams{Iterations: 4096}, map[string]SCRAMKeys{"user": keys}}}
	salted, err := kit.salted(e.Password, keys.Salt, keys.Iterations)
	require.NoError(t, err)
	clientKey, _, _ := kit.keys(salted)

	x := startSCRAM(t, server, secure, "SCRAM-SHA-256", "server")
	s1, _, err := x.Next(t.Context(), []byte("n,,n=user,r=client,x=1,Z=a=b"))
	require.NoError(t, err)
	final := "c=biws,r=clientserver,q=whatever"
	proof := kit.hmac(keys.StoredKey, "n=user,r=client,x=1,Z=a=b,"+string(s1)+","+final)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	_, done, err := x.Next(t.Context(), AppendBase64([]byte(final+",p="), proof))
	require.NoError(t, err)
	require.False(t, done)

	c := &scramClient{hash: kit, flag: "n", user: e.User, password: e.Password, maxIterations: 4096, nonce: "rOprNGfwEbeRWgbNEkqO"}
	_, _, err = c.Start()
	require.NoError(t, err)
	_, err = c.Next([]byte(e.S1 + ",x=1,Z=a=b"))
	require.NoError(t, err)
	_, err = c.Next(AppendBase64([]byte("v="), c.signature))
	require.NoError(t, err)
}

// RFC 5802 section 5.1: the name is prepared to be looked up, and hashed as it came.
func TestSCRAMHashesTheNameAsReceived(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5802-5.1-4", "rfc5802-5.1-6")
	keys, err := NewSCRAMKeys(SCRAMSHA256, "secret", 4096)
	require.NoError(t, err)
	s := &Server{SCRAM: scramTable{SCRAMParams{Iterations: 4096}, map[string]SCRAMKeys{"IX": keys}}}
	// A client that does not prepare.
	c := &scramClient{hash: &scramHashes[SCRAMSHA256], flag: "n", user: "\u2168", password: "secret", maxIterations: 4096}
	id, err := login(t.Context(), s, secure, "", c)
	require.NoError(t, err)
	require.Equal(t, "IX", id.Name)
}

// A client prepares what it sends, and sends nothing that cannot be prepared.
func TestSCRAMClientPrepares(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5802-5.1-2", "rfc5802-5.1-3")
	offered := []string{"SCRAM-SHA-256"}
	client, err := PasswordCredentials{User: "I\u00adX", Password: "x", Name: "\u2168"}.Client(t.Context(), secure, offered)
	require.NoError(t, err)
	_, ir, err := client.Start()
	require.NoError(t, err)
	require.Regexp(t, "^n,a=IX,n=IX,r=[A-Z2-7]{26}$", string(ir))
	for _, p := range []PasswordCredentials{
		{User: "\u00ad", Password: "x"},
		{User: "\ue000", Password: "x"},
		{User: "u", Password: "\u00ad"},
		{User: "u", Password: "\a"},
		{User: "u", Password: "x", Name: "\u00ad"},
	} {
		_, err := p.Client(t.Context(), secure, offered)
		require.ErrorIs(t, err, ErrCredentials, "%q", p.User)
	}
}

// TestSCRAMClientRefuses has servers that are not to be trusted.
func TestSCRAMClientRefuses(t *testing.T) {
	t.Parallel()
	e := scramExamples[1]
	with := func(old, now string) string {
		require.Contains(t, e.S1, old)
		return strings.Replace(e.S1, old, now, 1)
	}
	malformed := &MalformedError{}
	for _, row := range []struct {
		name, s1, s2 string
		err          error
		covers       []string
	}{
		{"nonce of another", with("r=rOpr", "r=sOpr"), "", ErrServer, []string{"rfc5802-5.1-9"}},
		{"nonce without the server's part", with("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""), "", ErrServer, []string{"rfc5802-5.1-9"}},
		{"nonce cut short", with("rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "rOpr"), "", ErrServer, []string{"rfc5802-5.1-9"}},
		{"4095 iterations", with("i=4096", "i=4095"), "", ErrServer, []string{"rfc7677-4-2"}},
		{"1 iteration", with("i=4096", "i=1"), "", ErrServer, nil},
		{"too many iterations", with("i=4096", "i=4097"), "", ErrServer, nil},
		{"two thousand million iterations", with("i=4096", "i=2000000000"), "", ErrServer, nil},
		{"more iterations than a number", with("i=4096", "i=99999999999999999999"), "", malformed, nil},
		{"no iterations", with("i=4096", "i=0"), "", malformed, nil},
		{"negative iterations", with("i=4096", "i=-4096"), "", malformed, nil},
		{"iterations with a sign", with("i=4096", "i=+4096"), "", malformed, nil},
		{"iterations with a zero before", with("i=4096", "i=04096"), "", malformed, nil},
		{"no salt", with("s=W22ZaJ0SNY7soEsUEjb6gQ==", "s="), "", malformed, nil},
		{"salt not base64", with("gQ==", "gQ="), "", malformed, nil},
		{"salt with a line end", with("gQ==", "gQ==\r\n"), "", malformed, nil},
		{"mandatory extension", "m=x," + e.S1, "", malformed, []string{"rfc5802-5.1-8"}},
		{"mandatory extension at the end", e.S1 + ",m=x", "", malformed, []string{"rfc5802-5.1-8"}},
		{"attributes in another order", "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=rOprNGfwEbeRWgbNEkqO1,i=4096", "", malformed, nil},
		{"nothing", "", "", malformed, nil},
		{"error at once", "e=other-error", "", malformed, nil},
		{"signature of another", e.S1, "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", ErrServer, []string{"rfc5802-5-2"}},
		{"signature cut short", e.S1, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl9", ErrServer, []string{"rfc5802-5-2"}},
		{"signature empty", e.S1, "v=", malformed, []string{"rfc5802-5-2"}},
		{"nothing for a signature", e.S1, "", malformed, []string{"rfc5802-5-2"}},
		{"invalid proof", e.S1, "e=invalid-proof", ErrCredentials, nil},
		{"unknown user", e.S1, "e=unknown-user", ErrCredentials, nil},
		{"channel bindings", e.S1, "e=channel-bindings-dont-match", ErrChannelBinding, nil},
		{"server does support", e.S1, "e=server-does-support-channel-binding", ErrChannelBinding, nil},
		{"another error", e.S1, "e=no-resources", nil, nil},
		{"mandatory extension in the end", e.S1, "m=x," + e.S2, malformed, []string{"rfc5802-5.1-8"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.covers != nil {
				rfc.Covers(t, row.covers...)
			}
			c := &scramClient{hash: &scramHashes[SCRAMSHA256], flag: "n", user: e.User, password: e.Password, maxIterations: 4096, nonce: "rOprNGfwEbeRWgbNEkqO"}
			_, _, err := c.Start()
			require.NoError(t, err)
			response, err := c.Next([]byte(row.s1))
			if row.s2 != "" || err == nil {
				require.NoError(t, err)
				response, err = c.Next([]byte(row.s2))
			}
			require.Error(t, err)
			require.Nil(t, response)
			bad := (*MalformedError)(nil)
			if row.err == malformed {
				require.ErrorAs(t, err, &bad)
			} else if row.err != nil {
				require.ErrorIs(t, err, row.err)
			}
			require.ErrorIs(t, c.Finish(nil), ErrServer, "a success is not believed")
			require.Equal(t, errOutage, c.Finish(errOutage))
		})
	}
}

package auth

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/internal/storm"
)

// fuzzServer is a server that counts its events. It is in no hurry to slow anybody down.
type fuzzServer struct {
	*Server
	events int
}

func fuzzing(s *Server) *fuzzServer {
	f := &fuzzServer{Server: s}
	s.Observe = func(context.Context, Event) { f.events++ }
	s.Budget = endless
	return f
}

// run carries an exchange on with the responses, of which the first may be none, and
// holds it to what is true of every one: one event, an identity with a success and
// with nothing else, no answer after the end.
func (s *fuzzServer) run(t *testing.T, cs ConnectionState, mechanism string, prepare func(mechanism), responses ...[]byte) (*Identity, error) {
	s.events = 0
	ctx := context.Background()
	x, err := s.Start(ctx, cs, mechanism)
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(x.steps)
	}
	var challenge []byte
	done := false
	for i, response := range responses {
		if response == nil && i > 0 {
			response = []byte{}
		}
		challenge, done, err = x.Next(ctx, response)
		if done || err != nil {
			break
		}
		if challenge == nil {
			t.Fatal("neither a challenge nor an end")
		}
	}
	id := x.Identity()
	over := done || err != nil
	bad := (*MalformedError)(nil)
	switch {
	case done != (id != nil) || done && err != nil:
		t.Fatalf("done %v, identity %v, error %v", done, id, err)
	case over && s.events != 1 || s.events > 1:
		t.Fatalf("%d events", s.events)
	case err != nil && !errors.As(err, &bad) && !errors.Is(err, ErrCredentials):
		t.Fatalf("taken for an outage: %v", err)
	case over:
		if _, again, late := x.Next(ctx, []byte("x")); again || late == nil {
			t.Fatal("goes on after its end")
		}
	}
	return id, err
}

func FuzzDecodeBase64(f *testing.F) {
	s := storm.New(f)
	for _, line := range []string{"", "=", "YQ==", "YQ=", "YR==", "AAA=BBB", "YW\r\nJj", "dGVzdAB0ZXN0ADEyMzQ=", "this is not base64", "dUBkAABwYXNz/w=="} {
		s.Add([]byte(line))
	}
	var data, encoded []byte
	s.Fuzz(func(t *testing.T, line []byte) {
		// Canonical: exactly one line stands for each text, save "=" for nothing.
		var err error
		data, err = DecodeBase64(data[:0], line)
		if encoded = AppendBase64(encoded[:0], data); err == nil && string(line) != "=" && !bytes.Equal(line, encoded) {
			t.Fatalf("%q is %q is %q", line, data, encoded)
		}
		// And any text goes there and back.
		if encoded = AppendBase64(encoded[:0], line); len(encoded) <= MaxResponse {
			if data, err = DecodeBase64(data[:0], encoded); err != nil || !bytes.Equal(line, data) {
				t.Fatalf("%q is %q is %q: %v", line, encoded, data, err)
			}
		}
	})
}

func FuzzPrepare(f *testing.F) {
	s := storm.New(f)
	for _, text := range []string{"user", "I\u00adX", "\u2168", "\u0627" + "1", "e\u0301", "\xff", "\u00d1And\u00da", "HENRY\u2163", "\xeb" + strings.Repeat("\u0325\u0308\u0344", 6)} {
		s.Add(text)
	}
	s.Fuzz(func(t *testing.T, text string) {
		got, err := prepare(text)
		if err != nil {
			return
		}
		if again, err := prepare(got); err != nil || got != again || !utf8.ValidString(got) {
			t.Fatalf("%q becomes %q becomes %q: %v", text, got, again, err)
		}
	})
}

// FuzzPlain holds the parser to the grammar: what it takes is put together again to
// the same octets, and what it does not take breaks a rule.
func FuzzPlain(f *testing.F) {
	s := storm.New(f)
	for _, message := range []string{"\x00tim\x00tanstaaftanstaaf", "Ursel\x00Kurt\x00xipj3plmq", "\x00\x00\x00", "a\x00\xff\x00c", "u@d\x00u@d\x00pass", "u@d\x00\x00pass\xff", "\u00f1@p\u00ed\x00\x00clav\u00e9"} {
		s.Add([]byte(message))
	}
	server := fuzzing(&Server{Passwords: table})
	s.Fuzz(func(t *testing.T, message []byte) {
		c, err := parsePlain(message)
		parts := strings.Split(string(message), "\x00")
		flaw := len(parts) != 3 || claim{parts[0], parts[1], parts[2]}.flaw() != ""
		if flaw != (err != nil) || err == nil && c != (claim{parts[0], parts[1], parts[2]}) {
			t.Fatalf("%q: %v", message, err)
		}
		id, _ := server.run(t, secure, "PLAIN", nil, message)
		if id != nil && (flaw || id.User != mustPrepare(t, c.user) || table(t.Context(), id.User, mustPrepare(t, c.password)) != nil) {
			t.Fatalf("%q is %v", message, id)
		}
	})
}

// FuzzLogin runs whole exchanges: whatever the client sends, it is let in with
// the right name and password only, within two responses.
func FuzzLogin(f *testing.F) {
	s := storm.New(f)
	s.Add([]byte("tim"), []byte("tanstaaftanstaaf"), []byte("x"))
	s.Add([]byte(""), []byte(""), []byte(""))
	s.Add([]byte("t\xadim"), []byte("\x00"), []byte("tim"))
	server := fuzzing(&Server{Passwords: table})
	s.Fuzz(func(t *testing.T, user, password, more []byte) {
		id, err := server.run(t, secure, "LOGIN", nil, user, password, more)
		if id != nil && (id.User != mustPrepare(t, string(user)) || table(t.Context(), id.User, mustPrepare(t, string(password))) != nil) {
			t.Fatalf("%q %q is %v", user, password, id)
		}
		if id == nil && err == nil {
			t.Fatal("no end")
		}
	})
}

func mustPrepare(t *testing.T, text string) string {
	t.Helper()
	text, err := prepare(text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// cheap is a hash of SCRAM whose passwords cost nothing, for fuzzing alone.
func cheap(h SCRAMHash) *scramHash {
	kit := scramHashes[h]
	kit.stretch = func(hash func() hash.Hash, password string, salt []byte, iterations, size int) ([]byte, error) {
		return pbkdf2.Key(hash, password, salt, 1, size)
	}
	return &kit
}

// fuzzKeys are keys of "pencil", and what a client has to have.
func fuzzKeys(kit *scramHash, hash SCRAMHash) (k SCRAMKeys, clientKey []byte) {
	k = SCRAMKeys{Hash: hash, Iterations: 4096, Salt: []byte("0123456789abcdef")}
	salted, _ := kit.salted("pencil", k.Salt, 1)
	clientKey, k.StoredKey, k.ServerKey = kit.keys(salted)
	return k, clientKey
}

// FuzzSCRAMServer lets in only those whose proof is made with the key, of all that was
// said: the proof of the seeds is made for what they say, and for nothing else.
func FuzzSCRAMServer(f *testing.F) {
	s := storm.New(f)
	kit := cheap(SCRAMSHA256)
	keys, clientKey := fuzzKeys(kit, SCRAMSHA256)
	server := fuzzing(&Server{SCRAM: scramTable{SCRAMParams{Iterations: 4096}, map[string]SCRAMKeys{"user": keys}}})
	proofOf := func(bare, withoutProof string) string {
		nonce, _, _ := strings.Cut(bare[strings.Index(bare, "r=")+2:]+",", ",")
		auth := bare + ",r=" + nonce + "SERVER,s=" + base64.StdEncoding.EncodeToString(keys.Salt) + ",i=4096," + withoutProof
		proof := kit.hmac(keys.StoredKey, auth)
		for i := range proof {
			proof[i] ^= clientKey[i]
		}
		return base64.StdEncoding.EncodeToString(proof)
	}
	for _, seed := range [][3]string{
		{"n,,", "n=user,r=abc", "c=biws,r=abcSERVER"},
		{"y,,", "n=user,r=abc", "c=eSws,r=abcSERVER"},
		{"n,a=user,", "n=user,r=abc,x=y", "c=bixhPXVzZXIs,r=abcSERVER,x=y"},
		{"n,a=boss,", "n=user,r=abc", "c=bixhPWJvc3Ms,r=abcSERVER"},
		{"p=tls-exporter,,", "n=user,r=abc", "c=cD10bHMtZXhwb3J0ZXIsLA==,r=abcSERVER"},
		{"n,,m=x,", "n=us=2Cer=3D,r=abc", "c=biws,r=abcSERVER"},
		{"n,,", "n=nobody,r=abc", "c=biws,r=abcSERVER"},
	} {
		s.Add([]byte(seed[0]+seed[1]), []byte(seed[2]+",p="+proofOf(seed[1], seed[2])), []byte{})
	}
	fix := func(m mechanism) {
		m.(*scramServer).kit, m.(*scramServer).nonce = kit, "SERVER"
	}
	s.Fuzz(func(t *testing.T, first, final, last []byte) {
		if first == nil {
			first = []byte{}
		}
		id, _ := server.run(t, secure, "SCRAM-SHA-256", fix, first, final, last)
		if id == nil {
			return
		}
		m, err := parseClientFirst(string(first))
		without, proof, _ := strings.Cut(string(final), ",p=")
		if err != nil || id.User != "user" || id.Name != "user" || proof != proofOf(m.bare, without) || len(last) != 0 {
			t.Fatalf("%q, %q, %q is %v", first, final, last, id)
		}
	})
}

// FuzzSCRAMClient believes no server that does not know the password.
func FuzzSCRAMClient(f *testing.F) {
	s := storm.New(f)
	kit := cheap(SCRAMSHA256)
	keys, _ := fuzzKeys(kit, SCRAMSHA256)
	serverFirst := "r=CLIENTabc,s=" + base64.StdEncoding.EncodeToString(keys.Salt) + ",i=4096"
	signatureOf := func(first string) string {
		m, err := parseServerFirst(first)
		if err != nil {
			return ""
		}
		salted, _ := kit.salted("pencil", m.salt, 1)
		_, _, serverKey := kit.keys(salted)
		return base64.StdEncoding.EncodeToString(kit.hmac(serverKey, "n=user,r=CLIENT,"+first+",c=biws,r="+m.nonce))
	}
	for _, first := range []string{
		serverFirst, serverFirst + ",x=y", strings.Replace(serverFirst, "4096", "9999", 1), "m=x," + serverFirst,
		"r=CLIENT,s=QQ==,i=4096", "r=OTHERabc,s=QQ==,i=4096", "r=CLIENTabc,s=QQ==,i=1", "e=other-error",
	} {
		s.Add([]byte(first), []byte("v="+signatureOf(first)), []byte{})
	}
	s.Add([]byte(serverFirst), []byte("e=invalid-proof"), []byte{})
	s.Fuzz(func(t *testing.T, first, final, more []byte) {
		c := &scramClient{hash: kit, flag: "n", user: "user", password: "pencil", maxIterations: 10_000, nonce: "CLIENT"}
		if _, _, err := c.Start(); err != nil {
			t.Fatal(err)
		}
		proven := false
		response, err := c.Next(first)
		if err == nil {
			if !strings.HasPrefix(string(response), "c=biws,r=CLIENT") {
				t.Fatalf("%q answers %q", response, first)
			}
			response, err = c.Next(final)
			verifier, _, _ := strings.Cut(strings.TrimPrefix(string(final), "v="), ",")
			if proven = err == nil; proven && (len(response) != 0 || verifier != signatureOf(string(first))) {
				t.Fatalf("%q is taken for the signature of %q", final, first)
			}
		}
		if proven != (c.Finish(nil) == nil) {
			t.Fatal("a success that was not proven")
		}
		if _, err := c.Next(more); proven && err == nil {
			t.Fatal("goes on after its end")
		}
	})
}

func FuzzSCRAMKeys(f *testing.F) {
	s := storm.New(f)
	for _, text := range []string{pencil, "SCRAM-SHA-1$4096:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "$:$:", ""} {
		s.Add(text)
	}
	s.Fuzz(func(t *testing.T, text string) {
		if k, err := ParseSCRAMKeys(text); err == nil && (k.check() != nil || k.Encode() != text) {
			t.Fatalf("%q is %q", text, k.Encode())
		}
	})
}

func FuzzCRAMMD5Server(f *testing.F) {
	s := storm.New(f)
	const challenge = "<1896.697170952@postoffice.reston.mci.net>"
	right := "b913a602c7eda7a495b4e6e7334d3890"
	s.Add([]byte("tim "+right), []byte("x"))
	s.Add([]byte("tim "+strings.ToUpper(right)), []byte{})
	s.Add([]byte("a b "+right), []byte{})
	s.Add([]byte(" "), []byte{})
	server := fuzzing(&Server{Secrets: Passwords{"tim": "tanstaaftanstaaf"}, InsecureCRAMMD5: true})
	fix := func(m mechanism) { m.(*cramServer).challenge = challenge }
	s.Fuzz(func(t *testing.T, response, more []byte) {
		id, err := server.run(t, secure, "CRAM-MD5", fix, nil, response, more)
		if id != nil && (id.User != "tim" || !bytes.HasSuffix(response, []byte(right))) || id == nil && err == nil {
			t.Fatalf("%q is %v", response, id)
		}
	})
}

func FuzzCRAMMD5Client(f *testing.F) {
	s := storm.New(f)
	s.Add([]byte("<1896.697170952@postoffice.reston.mci.net>"), []byte("x"))
	s.Add([]byte(""), []byte(""))
	s.Fuzz(func(t *testing.T, challenge, more []byte) {
		c := &cramClient{user: "tim", password: "tanstaaftanstaaf"}
		response, err := c.Next(challenge)
		if err != nil || len(response) != 36 || !bytes.HasPrefix(response, []byte("tim ")) {
			t.Fatalf("%q: %v", response, err)
		}
		if digest, err := hex.DecodeString(string(response[4:])); err != nil || !bytes.Equal(digest, cramDigest("tanstaaftanstaaf", string(challenge))) {
			t.Fatalf("%q", response)
		}
		if _, err := c.Next(more); err != sasl.ErrUnexpectedServerChallenge {
			t.Fatal("answers twice")
		}
	})
}

func fuzzBearer(f *testing.F, mechanism string, seeds ...string) {
	s := storm.New(f)
	for _, seed := range seeds {
		s.Add([]byte(seed), []byte{1})
	}
	server := fuzzing(&Server{Tokens: TokenFunc(func(_ context.Context, b BearerToken) (string, error) {
		if !isToken(b.Token) || strings.ContainsAny(b.Name+b.Host, "\x00\x01") || !utf8.ValidString(b.Name) {
			panic("not a token: " + b.Token)
		}
		if b.Token == "good" {
			return "user@example.com", nil
		}
		return "", ErrCredentials
	})})
	s.Fuzz(func(t *testing.T, response, more []byte) {
		if response == nil {
			response = []byte{}
		}
		id, err := server.run(t, secure, mechanism, nil, response, more)
		if id != nil && (id.Name != "user@example.com" || !bytes.Contains(bytes.ToLower(response), []byte("auth=bearer good\x01"))) || id == nil && err == nil {
			t.Fatalf("%q is %v", response, id)
		}
	})
}

func FuzzOAuthBearerServer(f *testing.F) {
	fuzzBearer(f, "OAUTHBEARER", "n,a=user@example.com,\x01host=server.example.com\x01port=587\x01auth=Bearer good\x01\x01",
		"n,,\x01auth=bearer bad\x01\x01", "y,,\x01auth=\x01\x01", "n,a=x=2Cy,\x01auth=Bearer good\x01\x01", "\x01", "n,,\x01x=y\x01auth=Bearer good\x01\x01")
}

func FuzzXOAuth2Server(f *testing.F) {
	fuzzBearer(f, "XOAUTH2", "user=user@example.com\x01auth=Bearer good\x01\x01", "user=a\x01auth=Bearer bad\x01\x01", "user=\x01auth=\x01\x01", "\x01")
}

func FuzzBearerClient(f *testing.F) {
	s := storm.New(f)
	for _, text := range []string{
		`{"status":"invalid_token","scope":"mail","openid-configuration":"https://example.com/"}`, `{"status":401}`, "[[[", "",
	} {
		s.Add([]byte(text), []byte("x"))
	}
	s.Fuzz(func(t *testing.T, challenge, more []byte) {
		c := &bearerClient{credentials: TokenCredentials{User: "u"}, mechanism: mechOAuthBearer, token: "t"}
		response, err := c.Next(challenge)
		if err != nil || len(response) != 1 || response[0] != 1 {
			t.Fatalf("%q: %v", response, err)
		}
		if _, err := c.Next(more); err != sasl.ErrUnexpectedServerChallenge {
			t.Fatal("answers twice")
		}
		if err := c.Finish(errOutage); !errors.Is(err, ErrCredentials) || strings.ContainsAny(err.Error(), "\r\n\x00") || c.Finish(nil) == nil {
			t.Fatalf("%v", err)
		}
	})
}

func FuzzExternalServer(f *testing.F) {
	s := storm.New(f)
	for _, name := range []string{"", "tim", "ti\u00adm", "root", "\x00", "\xff"} {
		s.Add([]byte(name), []byte("x"))
	}
	cs := ConnectionState{TLS: &tls.ConnectionState{HandshakeComplete: true, VerifiedChains: [][]*x509.Certificate{{{}}}}}
	server := fuzzing(&Server{Certificates: CertificateFunc(func(context.Context, *x509.Certificate) (string, error) { return "tim", nil })})
	s.Fuzz(func(t *testing.T, name, more []byte) {
		if name == nil {
			name = []byte{}
		}
		id, err := server.run(t, cs, "EXTERNAL", nil, name, more)
		if id != nil && (id.Name != "tim" || len(name) > 0 && mustPrepare(t, string(name)) != "tim") || id == nil && err == nil {
			t.Fatalf("%q is %v", name, id)
		}
	})
}

func FuzzAnonymousServer(f *testing.F) {
	s := storm.New(f)
	for _, trace := range []string{"", "sirhc", "tim@example.org", "\u0627a", "\x00", "\xff", "a\u00a0b"} {
		s.Add([]byte(trace), []byte("x"))
	}
	server := fuzzing(&Server{Anonymous: func(_ context.Context, _ ConnectionState, trace string) (string, error) {
		if !validTrace(trace) {
			panic("not a trace: " + trace)
		}
		return "guest", nil
	}})
	s.Fuzz(func(t *testing.T, trace, more []byte) {
		if trace == nil {
			trace = []byte{}
		}
		id, err := server.run(t, cleartext, "ANONYMOUS", nil, trace, more)
		if (id != nil) != validTrace(string(trace)) || id == nil && err == nil {
			t.Fatalf("%q is %v", trace, id)
		}
	})
}

// FuzzLoginClient answers two prompts, whatever they are, and no more.
func FuzzLoginClient(f *testing.F) {
	s := storm.New(f)
	s.Add([]byte("Username:"), []byte("Password:"), []byte("and?"))
	s.Fuzz(func(t *testing.T, first, second, third []byte) {
		c := &loginClient{answers: [2]string{"tim", "secret"}}
		user, err1 := c.Next(first)
		password, err2 := c.Next(second)
		_, err3 := c.Next(third)
		if string(user) != "tim" || string(password) != "secret" || err1 != nil || err2 != nil || err3 == nil {
			t.Fatalf("%q %q: %v %v %v", user, password, err1, err2, err3)
		}
	})
}

package auth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/auth"
)

// over is a connection with TLS, as far as the examples need one. A real one has a
// channel to bind to, and mechanisms with -PLUS.
var over = auth.ConnectionState{TLS: &tls.ConnectionState{HandshakeComplete: true}}

// Keys instead of passwords: who steals them cannot log in. They serve SCRAM and PLAIN.
func ExampleNewSCRAMKeys() {
	keys, err := auth.NewSCRAMKeys(auth.SCRAMSHA256, "tanstaaftanstaaf", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	line := keys.Encode() // to be stored
	fmt.Println(line[:20])

	keys, err = auth.ParseSCRAMKeys(line)
	fmt.Println(keys, err)
	fmt.Println(keys.Verify("tanstaaftanstaaf"), keys.Verify("guess"))

	// Output:
	// SCRAM-SHA-256$32768:
	// keys of SCRAM-SHA-256, 32768 iterations <nil>
	// true false
}

// table is a source of keys, as a database might be.
type table map[string]auth.SCRAMKeys

func (t table) SCRAMParams(hash auth.SCRAMHash) (p auth.SCRAMParams) {
	if hash == auth.SCRAMSHA256 {
		p.Iterations = auth.DefaultSCRAMIterations
	}
	return p
}

func (t table) SCRAMKeys(_ context.Context, hash auth.SCRAMHash, user string) (auth.SCRAMKeys, error) {
	keys, ok := t[user]
	if !ok || keys.Hash != hash {
		return auth.SCRAMKeys{}, auth.ErrCredentials
	}
	return keys, nil
}

func (t table) VerifyPassword(_ context.Context, user, password string) error {
	keys, ok := t[user]
	if !ok {
		keys = nobody // who takes as long
	}
	if !keys.Verify(password) || !ok {
		return auth.ErrCredentials
	}
	return nil
}

var nobody, _ = auth.NewSCRAMKeys(auth.SCRAMSHA256, "of nobody", 0)

// SCRAM and PLAIN over the same keys.
func ExampleSCRAMSource() {
	keys, err := auth.NewSCRAMKeys(auth.SCRAMSHA256, "tanstaaftanstaaf", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	users := table{"tim": keys}
	server := &auth.Server{SCRAM: users, Passwords: users}
	fmt.Println(server.Mechanisms(over))

	id, err := run(server, auth.Password("tim", "tanstaaftanstaaf"))
	fmt.Println(id.Name, id.Mechanism, err)
	_, err = run(server, auth.Password("tim", "guess"))
	fmt.Println(err)
	_, err = run(server, auth.Password("tom", "guess"))
	fmt.Println(err)

	// Output:
	// [SCRAM-SHA-256 PLAIN LOGIN]
	// tim SCRAM-SHA-256 <nil>
	// auth: credentials refused
	// auth: credentials refused
}

// run lets a client log in at a server, as SMTP and POP3 have it.
func run(server *auth.Server, credentials auth.Credentials) (*auth.Identity, error) {
	ctx := context.Background()
	client, err := credentials.Client(ctx, over, server.Mechanisms(over))
	if err != nil {
		return nil, err
	}
	mechanism, response, err := client.Start()
	if err != nil {
		return nil, err
	}
	exchange, err := server.Start(ctx, over, mechanism)
	if err != nil {
		return nil, err
	}
	for {
		challenge, done, err := exchange.Next(ctx, response)
		if done || err != nil {
			return exchange.Identity(), auth.Finish(client, err)
		}
		if response, err = client.Next(challenge); err != nil {
			return nil, err
		}
	}
}

// A client that will not do with less than SCRAM bound to the connection, and shows
// nothing to a server that offers less.
func ExamplePasswordCredentials() {
	credentials := auth.PasswordCredentials{
		User:       "tim",
		Password:   "tanstaaftanstaaf",
		Mechanisms: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"},
	}
	_, err := credentials.Client(context.Background(), over, []string{"PLAIN", "LOGIN"})
	fmt.Println(err)
	fmt.Println(credentials)

	// Output:
	// auth: no mechanism in common: offered ["PLAIN" "LOGIN"]
	// password of "tim"
}

// A server that takes tokens, and a client whose token has expired: it comes again with
// another one.
func ExampleToken() {
	server := &auth.Server{Tokens: auth.TokenFunc(func(_ context.Context, t auth.BearerToken) (string, error) {
		user, ok := strings.CutPrefix(t.Token, "token-of-") // ask who gave it out
		if !ok {
			return "", &auth.TokenError{Status: "invalid_token", Scope: "mail"}
		}
		return user, nil
	})}
	credentials := auth.Token("tim", func(_ context.Context, refused string) (string, error) {
		if refused != "" {
			fmt.Println("refused:", refused)
			return "token-of-tim", nil // ask for a new one
		}
		return "yesterdays", nil // as kept
	})

	id, err := run(server, credentials)
	var told *auth.TokenError
	fmt.Println(id, errors.As(err, &told), told.Scope)

	// smtp.Dial and pop3.Dial do this by themselves.
	client, err := credentials.Client(context.Background(), over, server.Mechanisms(over))
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := auth.Renew(context.Background(), client, auth.ErrCredentials)
	mechanism, response, _ := again.Start()
	fmt.Printf("%s %q %v\n", mechanism, response, err)

	// Output:
	// <nil> true mail
	// refused: yesterdays
	// OAUTHBEARER "n,a=tim,\x01auth=Bearer token-of-tim\x01\x01" <nil>
}

// Machines have certificates. The server's tls.Config asks for them, and knows who has
// signed them.
func ExampleExternal() {
	server := &auth.Server{Certificates: auth.CertificateFunc(func(_ context.Context, cert *x509.Certificate) (string, error) {
		return cert.Subject.CommonName, nil
	})}
	fmt.Println(server.Mechanisms(over), "without a certificate")

	state := over
	state.TLS = &tls.ConnectionState{HandshakeComplete: true, VerifiedChains: [][]*x509.Certificate{{{}}}}
	fmt.Println(server.Mechanisms(state), "with one")

	client, err := auth.External("").Client(context.Background(), state, server.Mechanisms(state))
	if err != nil {
		fmt.Println(err)
		return
	}
	mechanism, response, _ := client.Start()
	fmt.Printf("%s %q\n", mechanism, response)

	// Output:
	// [] without a certificate
	// [EXTERNAL] with one
	// EXTERNAL ""
}

// Guests. They are never taken for somebody.
func ExampleAnonymous() {
	server := &auth.Server{Anonymous: func(_ context.Context, _ auth.ConnectionState, trace string) (string, error) {
		fmt.Println("a guest, who says:", trace)
		return "guest", nil
	}}
	id, err := run(server, auth.Anonymous("tim@example.org"))
	fmt.Println(id.Name, id.Anonymous(), err)

	// Output:
	// a guest, who says: tim@example.org
	// guest true <nil>
}

// An assistant may open the mail of her boss, and nobody else's.
func ExampleServer_authorize() {
	server := &auth.Server{
		Passwords: auth.Passwords{"ann": "secret", "bob": "secret"},
		Authorize: func(_ context.Context, id auth.Identity) error {
			if id.User == "ann" && id.Name == "boss" {
				return nil
			}
			return auth.ErrCredentials
		},
	}
	for _, user := range []string{"ann", "bob"} {
		id, err := run(server, auth.PasswordCredentials{User: user, Password: "secret", Name: "boss"})
		fmt.Println(id, err)
	}

	// Output:
	// &{ann boss PLAIN} <nil>
	// <nil> auth: credentials refused
}

// exchange makes a [sasl.Server] of an Exchange, for libraries that are built on
// go-sasl: of IMAP, for instance.
type exchange struct{ *auth.Exchange }

func (x exchange) Next(response []byte) (challenge []byte, done bool, err error) {
	return x.Exchange.Next(context.Background(), response)
}

var _ sasl.Server = exchange{}

// Another protocol, whose library is built on go-sasl.
func ExampleExchange() {
	server := &auth.Server{Passwords: auth.Passwords{"tim": "tanstaaftanstaaf"}}
	x, err := server.Start(context.Background(), over, "PLAIN")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, done, err := exchange{x}.Next([]byte("\x00tim\x00tanstaaftanstaaf"))
	fmt.Println(done, err, x.Identity().Name)

	// Output:
	// true <nil> tim
}

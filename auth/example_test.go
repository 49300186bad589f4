package auth_test

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/posthouse/posthouse/auth"
)

// One Server serves SMTP and POP3. This is what such a server does with it for
// the command AUTH; the octets are those of RFC 4954 section 4.1.
func ExampleServer() {
	server := &auth.Server{
		Passwords: auth.Passwords{"test": "1234"},
		Observe: func(_ context.Context, e auth.Event) {
			fmt.Println("observed:", e.State.ID, e.Mechanism, e.User, e.Err)
		},
	}
	ctx := context.Background()
	state := auth.ConnectionState{ID: "k7", Protocol: auth.Submission}
	fmt.Println("in cleartext:", server.Mechanisms(state))

	state.TLS = &tls.ConnectionState{HandshakeComplete: true}
	fmt.Println("with TLS:", server.Mechanisms(state))

	exchange, err := server.Start(ctx, state, "PLAIN")
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := auth.DecodeBase64(nil, []byte("dGVzdAB0ZXN0ADEyMzQ="))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, done, err := exchange.Next(ctx, response)
	fmt.Println(done, err, exchange.Identity().Name)

	// Output:
	// in cleartext: []
	// with TLS: [PLAIN LOGIN]
	// observed: k7 PLAIN test <nil>
	// true <nil> test
}

// Credentials choose the mechanism, and refuse to be sent in cleartext.
func ExamplePassword() {
	credentials := auth.Password("tim", "tanstaaftanstaaf")
	offered := []string{"LOGIN", "PLAIN"}

	_, err := credentials.Client(context.Background(), auth.ConnectionState{}, offered)
	fmt.Println(err)

	client, err := credentials.Client(context.Background(), auth.ConnectionState{TLS: &tls.ConnectionState{}}, offered)
	if err != nil {
		fmt.Println(err)
		return
	}
	mechanism, response, _ := client.Start()
	fmt.Printf("%s %q\n", mechanism, response)

	// Output:
	// auth: refused without TLS
	// PLAIN "\x00tim\x00tanstaaftanstaaf"
}

// A verifier over whatever holds the passwords.
func ExamplePasswordFunc() {
	check := func(_ context.Context, user, password string) error {
		if user == "tim" && password == "tanstaaftanstaaf" {
			return nil
		}
		return auth.ErrCredentials
	}
	server := &auth.Server{Passwords: auth.PasswordFunc(check)}

	secure := auth.ConnectionState{TLS: &tls.ConnectionState{}}
	_, err := server.Password(context.Background(), secure, "tim", "guess")
	fmt.Println(err)

	// Output:
	// auth: credentials refused
}

package pop3_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// converse runs a server until it has answered what a client says, and prints the
// answers.
func converse(srv *pop3.Server, commands ...string) {
	ln := pop3test.NewListener("pop.example.org:110")
	served := make(chan error)
	go func() { served <- srv.Serve(ln) }()
	client, err := ln.DialContext(context.Background(), "", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range commands {
		fmt.Fprintf(client, "%s\r\n", c)
	}
	answers, err := io.ReadAll(client)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(strings.ReplaceAll(string(answers), "\r\n", "\n"))
	srv.Close()
	<-served
}

// A site where mail is kept for a month, and a client may come once in five minutes.
// Whoever pays may come as often as he likes.
func ExamplePolicy() {
	srv := &pop3.Server{
		Auth:   &auth.Server{Passwords: auth.Passwords{"mrose": "tanstaaf"}, InsecureAllowCleartext: true},
		Store:  shelf{},
		Policy: pop3.Policy{LoginDelay: 5 * time.Minute, Expire: 30},
		UserPolicy: func(id *auth.Identity) pop3.Policy {
			if id.Name == "mrose" {
				return pop3.Policy{Expire: pop3.ExpireNever}
			}
			return pop3.Policy{LoginDelay: 5 * time.Minute, Expire: 30}
		},
	}
	converse(srv, "CAPA", "USER mrose", "PASS tanstaaf", "QUIT")
	// Output:
	// +OK POP3 server ready
	// +OK capability list follows
	// TOP
	// USER
	// SASL PLAIN LOGIN
	// RESP-CODES
	// AUTH-RESP-CODE
	// PIPELINING
	// UIDL
	// UTF8 USER
	// LOGIN-DELAY 300 USER
	// EXPIRE 30 USER
	// .
	// +OK send the password
	// +OK maildrop has 0 messages (0 octets)
	// +OK POP3 server signing off (maildrop empty)
}

// A server that speaks English, and German as far as it goes.
func ExampleLanguage() {
	german := map[string]string{
		"language changed": "Sprache gewechselt",
		"unknown command":  "unbekannter Befehl",
	}
	srv := &pop3.Server{
		Auth:  &auth.Server{Passwords: auth.Passwords{"mrose": "tanstaaf"}, InsecureAllowCleartext: true},
		Store: shelf{},
		Languages: []pop3.Language{
			{Tag: "en", Name: "English"},
			{Tag: "de", Name: "Deutsch", Translate: func(text string) string {
				if t, ok := german[text]; ok {
					return t
				}
				return text
			}},
		},
	}
	converse(srv, "LANG", "LANG de", "HELLO", "QUIT")
	// Output:
	// +OK POP3 server ready
	// +OK language listing follows
	// en English
	// de Deutsch
	// .
	// +OK de Sprache gewechselt
	// -ERR unbekannter Befehl
	// +OK POP3 server signing off
}

// A server for clients that know neither TLS nor SASL, and such a client. APOP needs
// the passwords themselves on both sides, and is used where both ask for it by name.
func ExampleServer_insecureAPOP() {
	users := auth.Passwords{"mrose": "tanstaaf"}
	srv := &pop3.Server{
		Hostname:     "pop.example.org",
		Auth:         &auth.Server{Passwords: users, Secrets: users},
		Store:        shelf{},
		InsecureAPOP: true,
	}
	ln := pop3test.NewListener("pop.example.org:110")
	served := make(chan error)
	go func() { served <- srv.Serve(ln) }()

	ctx := context.Background()
	c, err := pop3.Dial(ctx, "pop.example.org", &pop3.ClientConfig{
		Dialer:       ln,
		TLS:          pop3.InsecureNoTLS,
		Auth:         auth.InsecurePassword("mrose", "tanstaaf"),
		InsecureAPOP: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.ConnectionState().Identity.Mechanism, c.Quit(ctx))
	srv.Close()
	<-served
	// Output:
	// APOP <nil>
}

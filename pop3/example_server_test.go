package pop3_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// A server on the two usual ports, which ends when it is interrupted. Passwords are
// taken over TLS only.
func ExampleServer() {
	certificate, err := tls.LoadX509KeyPair("pop.example.org.pem", "pop.example.org.key")
	if err != nil {
		log.Print(err)
		return
	}
	srv := &pop3.Server{
		Hostname:  "pop.example.org",
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		Auth:      &auth.Server{Passwords: auth.Passwords{"mrose": "tanstaaf"}},
		Store:     shelf{},
		Log:       slog.Default(),
	}
	go func() { log.Print(srv.ListenAndServe()) }()    // port 110, with STLS
	go func() { log.Print(srv.ListenAndServeTLS()) }() // port 995

	stop, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	<-stop.Done()
	patience, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := srv.Shutdown(patience); err != nil {
		log.Print(err)
	}
}

// shelf is a Store of messages that nobody can take away: a maildrop needs no more
// than this.
type shelf map[string]string // the text of a message by its unique-id

func (s shelf) Open(context.Context, *auth.Identity) (pop3.Maildrop, error) { return s, nil }

func (s shelf) List(context.Context) ([]pop3.Info, error) {
	var list []pop3.Info
	for _, uid := range slices.Sorted(maps.Keys(s)) {
		list = append(list, pop3.Info{UID: uid, Size: int64(len(s[uid]))})
	}
	return list, nil
}

func (s shelf) Message(_ context.Context, m pop3.Info) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(s[m.UID])), nil
}

func (s shelf) Commit(_ context.Context, deleted []pop3.Info) error {
	if len(deleted) > 0 {
		return &pop3.Error{Code: pop3.CodeSysPerm, Text: "this shelf is for reading only"}
	}
	return nil
}

func (s shelf) Close() error { return nil }

// A Store, and what a client sees of it.
func ExampleStore() {
	ln := pop3test.NewListener("pop.example.org:110")
	srv := &pop3.Server{
		Auth:  &auth.Server{Passwords: auth.Passwords{"mrose": "tanstaaf"}, InsecureAllowCleartext: true},
		Store: shelf{"GK1": "Subject: hello\r\n\r\nNever odd or even.\r\n"},
	}
	served := make(chan error)
	go func() { served <- srv.Serve(ln) }()

	client, err := ln.DialContext(context.Background(), "", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintf(client, "USER mrose\r\nPASS tanstaaf\r\nUIDL 1\r\nTOP 1 0\r\nDELE 1\r\nQUIT\r\n")
	answers, err := io.ReadAll(client)
	fmt.Print(strings.ReplaceAll(string(answers), "\r\n", "\n"))

	srv.Close()
	fmt.Println(err, errors.Is(<-served, pop3.ErrServerClosed))
	// Output:
	// +OK POP3 server ready
	// +OK send the password
	// +OK maildrop has 1 message (38 octets)
	// +OK 1 GK1
	// +OK top of message follows
	// Subject: hello
	//
	// .
	// +OK message 1 deleted
	// -ERR [SYS/PERM] this shelf is for reading only
	// <nil> true
}

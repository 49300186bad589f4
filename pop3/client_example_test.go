package pop3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// exampleServer is a server with two messages for alice. It has no certificate,
// so that the examples must do without TLS.
func exampleServer() (addr string, stop func()) {
	store := new(pop3test.Store)
	store.Deliver("alice", []byte("Subject: lunch\r\n\r\nAt noon?\r\n"))
	store.Deliver("alice", []byte("Subject: dinner\r\n\r\nAt eight.\r\n"))
	server := &pop3.Server{
		Auth:  &auth.Server{Passwords: auth.Passwords{"alice": "secret"}, InsecureAllowCleartext: true},
		Store: store,
		Log:   slog.New(slog.DiscardHandler),
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(ln)
	}()
	return ln.Addr().String(), func() {
		_ = server.Close()
		<-done
	}
}

// A client that logs in over TLS: by STLS on port 110, which must succeed, or
// from the first octet on port 995.
func ExampleDial() {
	ctx := context.Background()
	c, err := pop3.Dial(ctx, "pop.example.org", &pop3.ClientConfig{
		TLS:  pop3.ImplicitTLS,
		Auth: auth.Password("alice", "secret"),
	})
	switch {
	case errors.Is(err, auth.ErrCredentials):
		log.Fatal("ask for another password")
	case errors.Is(err, pop3.ErrInUse), errors.Is(err, &pop3.Error{Code: pop3.CodeSysTemp}):
		log.Fatal("try again later")
	case err != nil:
		log.Fatal(err)
	}
	defer c.Close()
	stat, err := c.Stat(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stat.Count, "messages")
}

// Every message is fetched, and deleted if it arrived whole.
func ExampleClient_Fetch() {
	addr, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	c, err := pop3.Dial(ctx, addr, &pop3.ClientConfig{
		TLS:  pop3.InsecureNoTLS,
		Auth: auth.InsecurePassword("alice", "secret"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	list, err := c.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var nums, stored []int
	for _, l := range list {
		nums = append(nums, l.Num)
	}
	for m, err := range c.Fetch(ctx, nums) {
		if err != nil {
			log.Printf("message %d: %v", m.Num, err)
			continue
		}
		size, err := io.Copy(io.Discard, m) // or a file
		if err != nil {
			log.Printf("message %d: %v", m.Num, err)
			continue
		}
		fmt.Printf("message %d: %d octets\n", m.Num, size)
		stored = append(stored, m.Num) // once it is safe on disk
	}
	if err := c.Dele(ctx, stored...); err != nil {
		log.Print(err)
	}
	if err := c.Quit(ctx); err != nil {
		log.Print(err)
	}
	// Output:
	// message 1: 28 octets
	// message 2: 30 octets
}

// What QUIT says decides what may be forgotten.
func ExampleClient_Quit() {
	addr, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	c, err := pop3.Dial(ctx, addr, &pop3.ClientConfig{
		TLS:  pop3.InsecureNoTLS,
		Auth: auth.InsecurePassword("alice", "secret"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Dele(ctx, 1, 2); err != nil {
		log.Fatal(err)
	}
	var (
		refused *pop3.Error
		unknown *pop3.UnknownError
	)
	switch err := c.Quit(ctx); {
	case err == nil:
		fmt.Println("deleted")
	case errors.As(err, &refused):
		fmt.Println("some may be deleted, the server had trouble:", err)
	case errors.As(err, &unknown):
		fmt.Println("deleted or not: the next session's unique-ids tell")
	default:
		fmt.Println("nothing is deleted:", err)
	}
	// Output: deleted
}

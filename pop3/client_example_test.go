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

// exampleClient is a client of exampleServer.
func exampleClient(ctx context.Context) (c *pop3.Client, stop func()) {
	addr, stopServer := exampleServer()
	c, err := pop3.Dial(ctx, addr, &pop3.ClientConfig{
		TLS:  pop3.InsecureNoTLS,
		Auth: auth.InsecurePassword("alice", "secret"),
	})
	if err != nil {
		log.Fatal(err)
	}
	return c, func() {
		_ = c.Close()
		stopServer()
	}
}

// What is in the maildrop, in one round trip. The unique-ids tell what is here
// already.
func ExampleClient_Index() {
	ctx := context.Background()
	c, stop := exampleClient(ctx)
	defer stop()
	here := map[string]bool{"uid-1": true} // as it was kept from the last session

	entries, err := c.Index(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		if !here[e.UID] {
			fmt.Println(e.Num, e.Size, e.UID)
		}
	}
	// Output: 2 30 uid-2
}

// The headers of all messages.
func ExampleClient_FetchTop() {
	ctx := context.Background()
	c, stop := exampleClient(ctx)
	defer stop()
	for m, err := range c.FetchTop(ctx, []int{1, 2}, 0) {
		if err != nil {
			log.Fatal(err)
		}
		header, err := io.ReadAll(m)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d: %q\n", m.Num, header)
	}
	// Output:
	// 1: "Subject: lunch\r\n\r\n"
	// 2: "Subject: dinner\r\n\r\n"
}

// The unique-ids of the newest messages of a maildrop that is too large to be
// listed.
func ExampleClient_UIDLEach() {
	ctx := context.Background()
	c, stop := exampleClient(ctx)
	defer stop()
	stat, err := c.Stat(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for l, err := range c.UIDLEach(ctx, []int{stat.Count, stat.Count - 1}) {
		fmt.Println(l.Num, l.UID, err)
	}
	// Output:
	// 2 uid-2 <nil>
	// 1 uid-1 <nil>
}

// What the server says of how long it keeps mail, and of how often one may come.
func ExampleClient_Capabilities() {
	ctx := context.Background()
	c, stop := exampleClient(ctx)
	defer stop()
	if delay, ok := c.Capabilities().LoginDelay(); ok {
		fmt.Println("not again within", delay.Seconds, "seconds")
	}
	if expire, ok := c.Capabilities().Expire(); ok && !expire.Never {
		fmt.Println("mail is kept for", expire.Days, "days")
	}
	fmt.Println("pipelining:", c.Pipelining())
	// Output: pipelining: true
}

// Errors tell what to do next.
func ExampleError_Temporary() {
	for _, err := range []error{
		&pop3.Error{Code: pop3.CodeInUse, Text: "another session"},
		&pop3.Error{Code: pop3.CodeAuth, Text: "wrong password"},
		&pop3.Error{Code: pop3.CodeUTF8, Text: "message is UTF-8"},
	} {
		var refusal *pop3.Error
		switch {
		case errors.Is(err, auth.ErrCredentials):
			fmt.Println("ask for another password")
		case errors.Is(err, &pop3.Error{Code: pop3.CodeUTF8}):
			fmt.Println("do not set ASCIIOnly")
		case errors.As(err, &refusal) && refusal.Temporary():
			fmt.Println("try again later")
		}
	}
	// Output:
	// try again later
	// ask for another password
	// do not set ASCIIOnly
}

// A server that breaks when commands come together is better asked one by one.
func ExamplePipelineError() {
	ctx := context.Background()
	cfg := &pop3.ClientConfig{Auth: auth.Password("alice", "secret")}
	fetch := func() error {
		c, err := pop3.Dial(ctx, "pop.example.org", cfg)
		if err != nil {
			return err
		}
		defer c.Close()
		for m, err := range c.Fetch(ctx, []int{1, 2, 3}) {
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, m); err != nil {
				return err
			}
		}
		return c.Quit(ctx)
	}
	err := fetch()
	if errors.As(err, new(*pop3.PipelineError)) {
		cfg.Window = 1
		err = fetch()
	}
	if err != nil {
		log.Fatal(err)
	}
}

// Texts of the server in German, if it knows that.
func ExampleClient_Lang() {
	ctx := context.Background()
	c, stop := exampleClient(ctx)
	defer stop()
	if !c.Capabilities().Has("LANG") {
		return
	}
	if _, err := c.Lang(ctx, "de"); err != nil {
		log.Print(err)
	}
}

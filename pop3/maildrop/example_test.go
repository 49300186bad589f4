package maildrop_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// What a pop3.Server does with a store in one session.
func ExampleMaildir() {
	root, err := os.MkdirTemp("", "mail")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	ctx := context.Background()

	store := &maildrop.Maildir{Root: root}
	if _, err := store.Deliver(ctx, "alice", strings.NewReader("Subject: hello\n\nworld\n")); err != nil {
		log.Fatal(err)
	}

	drop, err := store.Open(ctx, &auth.Identity{User: "alice", Name: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	defer drop.Close()
	list, err := drop.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	r, err := drop.Message(ctx, list[0])
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d octets: %q\n", list[0].Size, text)
	if err := drop.Commit(ctx, list); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 25 octets: "Subject: hello\r\n\r\nworld\r\n"
}

func ExampleMemory() {
	store := new(maildrop.Memory)
	store.Add("alice", []byte("Subject: hello\r\n\r\nworld\r\n"))
	fmt.Println(len(store.Messages("alice")))
	// Output:
	// 1
}

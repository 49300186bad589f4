package maildrop_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// What a client deletes is kept for the user's other mail readers, in the folder Trash.
func ExampleRemoval() {
	root, err := os.MkdirTemp("", "mail")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	ctx := context.Background()

	store := &maildrop.Maildir{Root: root, Removal: maildrop.MoveToTrash}
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
	if err := drop.Commit(ctx, list); err != nil { // as QUIT does
		log.Fatal(err)
	}
	for _, folder := range []string{"new", "cur", ".Trash/cur"} {
		files, err := os.ReadDir(root + "/alice/" + folder)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(folder, len(files))
	}
	// Output:
	// new 0
	// cur 0
	// .Trash/cur 1
}

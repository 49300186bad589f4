package maildir_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/posthouse/posthouse/message/maildir"
)

func Example() {
	folder, err := os.MkdirTemp("", "maildir")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx := context.Background()

	d, err := maildir.Open(filepath.Join(folder, "Maildir"))
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	// When Deliver returns, the message is on the disk.
	if _, err := d.Deliver(ctx, strings.NewReader("Subject: hello\r\n\r\nworld\r\n")); err != nil {
		log.Fatal(err)
	}

	entries, err := d.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		r, err := d.Open(ctx, e)
		if err != nil {
			log.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d octets, %d on disk: %q\n", e.CRLFSize, e.Size, text)
		if err := r.Close(); err != nil {
			log.Fatal(err)
		}
	}
	if err := d.Remove(ctx, entries...); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 25 octets, 22 on disk: "Subject: hello\r\n\r\nworld\r\n"
}

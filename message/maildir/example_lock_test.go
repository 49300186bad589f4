package maildir_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/posthouse/posthouse/message/maildir"
)

// opened makes a Maildir with a message. The caller must call done.
func opened() (d *maildir.Dir, done func()) {
	folder, err := os.MkdirTemp("", "maildir")
	if err != nil {
		log.Fatal(err)
	}
	if d, err = maildir.Open(filepath.Join(folder, "Maildir")); err != nil {
		log.Fatal(err)
	}
	if _, err := d.Deliver(context.Background(), strings.NewReader("Subject: hello\n\nworld\n")); err != nil {
		log.Fatal(err)
	}
	return d, func() {
		_ = d.Close()
		_ = os.RemoveAll(folder)
	}
}

// Two programs that each want to be alone: the first one yields while it has nothing to
// do, and finds out whether the other has been there.
func ExampleDir_Lock() {
	d, done := opened()
	defer done()
	first, err := d.Lock("tidy.lock")
	if err != nil {
		log.Fatal(err)
	}
	defer first.Close()
	_, err = d.Lock("tidy.lock")
	fmt.Println("held:", errors.Is(err, maildir.ErrLocked))

	if err := first.Yield(); err != nil {
		log.Fatal(err)
	}
	second, err := d.Lock("tidy.lock")
	if err != nil {
		log.Fatal(err)
	}
	if err := second.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("lost:", errors.Is(first.Resume(d), maildir.ErrLocked))
	// Output:
	// held: true
	// lost: true
}

// A program remembers of a Maildir what it has done: after a crash it finds the old
// note or the new one, whole.
func ExampleDir_Save() {
	d, done := opened()
	defer done()
	ctx := context.Background()

	_, err := d.Load("seen")
	fmt.Println("none yet:", errors.Is(err, fs.ErrNotExist))
	if err := d.Save(ctx, "seen", []byte("1 message")); err != nil {
		log.Fatal(err)
	}
	note, err := d.Load("seen")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", note)
	// Output:
	// none yet: true
	// 1 message
}

func ExampleDir_Move() {
	d, done := opened()
	defer done()
	ctx := context.Background()

	entries, err := d.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := d.Move(ctx, "Archive.2026", entries...); err != nil { // to .Archive.2026/cur
		log.Fatal(err)
	}
	left, err := d.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(entries), "moved,", len(left), "left")
	// Output:
	// 1 moved, 0 left
}

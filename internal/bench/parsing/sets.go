package parsing

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/posthouse/posthouse/message"
)

// Set is messages of a kind.
type Set struct {
	Name     string
	Messages [][]byte

	// Full and Structure say how many times as fast as go-message's full parse ours
	// should be; 0 is for no goal.
	Full, Structure float64
}

// Octets returns the size of all.
func (s Set) Octets() (n int) {
	for _, b := range s.Messages {
		n += len(b)
	}
	return n
}

// Sets returns all sets. Two are of collections in a folder; they are empty if it is not
// there. All that is in a set go-message reads to the end, since giving up is fast.
func Sets(collections string) ([]Set, error) {
	typical, err := Typical()
	if err != nil {
		return nil, err
	}
	attachments, err := attachments()
	if err != nil {
		return nil, err
	}
	small, err := filesOf(collections, func(name string) bool { return strings.Contains(name, "spamassassin-public") })
	if err != nil {
		return nil, err
	}
	malformed, err := filesOf(collections, func(name string) bool {
		return !strings.Contains(name, "spamassassin") && filepath.Ext(name) != ".json"
	})
	if err != nil {
		return nil, err
	}
	var nested [][]byte
	for depth := 5; depth <= 33; depth += 4 {
		nested = append(nested, nestedMail(depth))
	}
	return []Set{
		{"small mail", small, 3, 7},
		{"malformed", malformed, 3.4, 0},
		{"alternative", [][]byte{typical}, 4, 0},
		{"attachments", attachments, 5, 30},
		{"nested", nested, 10, 0},
	}, nil
}

// Typical returns a message of about 50 KB as people send them: text and HTML
// that are not ASCII, and a picture.
func Typical() ([]byte, error) {
	var text, html strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "Zeile %d: die Pferde sind gewechselt, der Brief ist unterwegs, schöne Grüße.\n", i)
		fmt.Fprintf(&html, "<p>Zeile %d: die <b>Pferde</b> sind gewechselt, schöne Grüße &amp; alles Gute.</p>\n", i)
	}
	picture := make([]byte, 26_000)
	for i := range picture {
		picture[i] = byte(i * i >> 3)
	}
	d := &message.Draft{
		From:    []message.Mailbox{{Name: "Alice Håkansson", Addr: "alice@example.test"}},
		To:      []message.Mailbox{{Name: "Bob Ångström", Addr: "bob@example.test"}},
		Subject: "Grüße aus dem Posthaus",
		Text:    text.String(), HTML: html.String(),
		Attachments: []message.Attachment{message.FromBytes("bild.png", "image/png", picture)},
	}
	var b bytes.Buffer
	_, err := d.WriteTo(&b)
	return b.Bytes(), err
}

// attachments returns messages with one large file each, of 1 to 10 MB.
func attachments() (set [][]byte, err error) {
	for size := 1; size <= 10; size += 3 {
		content := make([]byte, size<<20)
		for i := range content {
			content[i] = byte(i * i >> 5)
		}
		d := &message.Draft{
			From: []message.Mailbox{{Addr: "a@example.test"}}, To: []message.Mailbox{{Addr: "b@example.test"}}, Subject: "x", Text: "y",
			Attachments: []message.Attachment{message.FromBytes("z.bin", "", content)},
		}
		var b bytes.Buffer
		if _, err := d.WriteTo(&b); err != nil {
			return nil, err
		}
		set = append(set, b.Bytes())
	}
	return set, nil
}

// nestedMail returns multiparts inside one another, each with a text.
func nestedMail(depth int) []byte {
	var head, tail strings.Builder
	for i := range depth {
		fmt.Fprintf(&head, "Content-Type: multipart/mixed; boundary=\"level-%d\"\r\n\r\n--level-%d\r\nContent-Type: text/plain\r\n\r\n%s\r\n--level-%d\r\n",
			i, i, strings.Repeat("a line of text, and no more than that\r\n", 4), i)
	}
	for i := range depth {
		fmt.Fprintf(&tail, "--level-%d--\r\n", depth-1-i)
	}
	return []byte("From: a@example.test\r\nTo: b@example.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n" + head.String() + "\r\nend\r\n" + tail.String())
}

// filesOf reads the files below root whose name is wanted.
func filesOf(root string, wanted func(name string) bool) (set [][]byte, err error) {
	if _, err := os.Stat(root); err != nil {
		return nil, nil
	}
	return set, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !wanted(name) {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.HasPrefix(b, []byte("From ")) { // of a mailbox
			_, b, _ = bytes.Cut(b, []byte("\n"))
		}
		b = bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		if _, failed := fullGoMessage(b); err == nil && failed == nil && len(b) < 1<<20 {
			set = append(set, b)
		}
		return err
	})
}

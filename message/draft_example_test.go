package message_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/posthouse/posthouse/message"
)

func ExampleDraft() {
	draft := &message.Draft{
		From:      []message.Mailbox{{Name: "Alice", Addr: "alice@example.org"}},
		To:        []message.Mailbox{{Name: "Jürgen", Addr: "juergen@example.net"}},
		Subject:   "Grüße",
		Text:      "Hello, world.\n",
		Date:      time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), // or leave it out
		MessageID: "1@example.org",                                // likewise
	}
	var b strings.Builder
	if _, err := draft.WriteTo(&b); err != nil {
		log.Fatal(err)
	}
	fmt.Print(strings.ReplaceAll(b.String(), "\r\n", "\n"))
	// Output:
	// Date: Sat, 21 Nov 2026 12:00:00 +0000
	// From: Alice <alice@example.org>
	// To: =?utf-8?q?J=C3=BCrgen?= <juergen@example.net>
	// Subject: =?utf-8?b?R3LDvMOfZQ==?=
	// Message-ID: <1@example.org>
	// MIME-Version: 1.0
	// Content-Type: text/plain; charset=us-ascii
	//
	// Hello, world.
}

// A message with a picture in its HTML and a file beside it, read as it is sent:
// smtp.Send takes such a reader, and sends no end of the message if an attachment
// fails.
func ExampleDraft_Compose() {
	logo := message.FromBytes("logo.png", "image/png", []byte("...")).WithContentID("logo@example.org")
	draft := &message.Draft{
		From:        []message.Mailbox{{Addr: "alice@example.org"}},
		To:          []message.Mailbox{{Addr: "bob@example.net"}},
		Bcc:         []message.Mailbox{{Addr: "carol@example.net"}},
		Subject:     "timetable",
		Text:        "See the timetable.\n",
		HTML:        `<p>See the timetable. <img src="cid:logo@example.org"></p>`,
		Inline:      []message.Attachment{logo},
		Attachments: []message.Attachment{message.FromFile("no such file.pdf")},
	}
	c, err := draft.Compose()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Recipients(), c.Needs8BitMIME(), c.NeedsSMTPUTF8())

	r := c.Reader()
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	fmt.Println(errors.Is(err, os.ErrNotExist))
	// Output:
	// [bob@example.net carol@example.net] false false
	// true
}

func ExampleMailbox_Append() {
	b, err := message.Mailbox{Name: "Doe, Jo", Addr: "jo@example.org"}.Append(nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(b))
	// Output: "Doe, Jo" <jo@example.org>
}

// One field of a message is changed, and all the rest stays, octet for octet.
func ExampleExtraField_Append() {
	m, _ := message.ParseBytes([]byte("Received: from a\r\n\tby b\r\nSUBJECT: lunch\r\nX-Odd:  left   alone\r\n\r\nAt noon?\r\n"))
	var header []byte
	for f := range m.Header().All() {
		if !strings.EqualFold(f.Name(), "Subject") {
			header = append(header, f.Raw()...)
			continue
		}
		var err error
		changed := message.ExtraField{Name: "Subject", Value: "[Köche] " + f.Text()}
		if header, err = changed.Append(header); err != nil {
			log.Fatal(err)
		}
	}
	rest := m.Root().Raw()
	if _, err := rest.Seek(int64(len(m.Header().Raw())), io.SeekStart); err != nil { // to the empty line
		log.Fatal(err)
	}
	text, err := io.ReadAll(io.MultiReader(bytes.NewReader(header), rest))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", text)
	// Output: "Received: from a\r\n\tby b\r\nSubject: =?utf-8?b?W0vDtmNoZV0=?= lunch\r\nX-Odd:  left   alone\r\n\r\nAt noon?\r\n"
}

// A reply, which readers show beside what it answers.
func ExampleDraft_SetParent() {
	m, _ := message.ParseBytes([]byte("From: Bob <bob@example.net>\r\nSubject: Lunch\r\nMessage-ID: <2@example.net>\r\nReferences: <1@example.org>\r\n\r\nAt noon?\r\n"))
	to, _ := m.Header().Addresses("Reply-To")
	if len(to) == 0 {
		to, _ = m.Header().Addresses("From")
	}
	base, _ := message.BaseSubject(m.Header().Subject())
	reply := &message.Draft{
		From:    []message.Mailbox{{Addr: "alice@example.org"}},
		To:      to,
		Subject: "Re: " + base,
		Text:    "At one.\n",
	}
	reply.SetParent(m.Header())
	fmt.Println(reply.To, reply.Subject, reply.InReplyTo, reply.References)
	// Output: [{Bob bob@example.net}] Re: Lunch [2@example.net] [1@example.org 2@example.net]
}

package bench

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"

	"github.com/posthouse/posthouse/message"
)

// typical returns a message of about 50 KB as people send them: text and HTML
// that are not ASCII, and a picture.
func typical(tb testing.TB) []byte {
	tb.Helper()
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
	if _, err := d.WriteTo(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// BenchmarkParse finds the parts, decodes each body (text to UTF-8), and the
// fields Subject, From and To. Structure finds the parts alone.
func BenchmarkParse(b *testing.B) {
	text := typical(b)
	for _, c := range []struct {
		name  string
		parse func(text []byte) (decoded int64, err error)
	}{
		{"structure/posthouse", structurePosthouse},
		{"full/posthouse", fullPosthouse},
		{"full/go-message", fullGoMessage},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func structurePosthouse(text []byte) (int64, error) {
	m, err := message.ParseBytes(text)
	if err != nil {
		return 0, err
	}
	for range m.Parts() {
	}
	return 0, nil
}

func fullPosthouse(text []byte) (decoded int64, err error) {
	m, err := message.ParseBytes(text)
	if err != nil {
		return 0, err
	}
	h := m.Header()
	_ = h.Subject()
	for _, name := range []string{"From", "To"} {
		if _, err := h.Addresses(name); err != nil {
			return 0, err
		}
	}
	for p := range m.Parts() {
		if strings.HasPrefix(p.MediaType(), "multipart/") {
			continue
		}
		body := p.Open()
		if strings.HasPrefix(p.MediaType(), "text/") {
			body = p.Text()
		}
		n, err := io.Copy(io.Discard, body)
		if err != nil {
			return decoded, err
		}
		decoded += n
	}
	return decoded, nil
}

func fullGoMessage(text []byte) (decoded int64, err error) {
	e, err := gomessage.Read(bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	for _, name := range []string{"Subject", "From", "To"} {
		if _, err := e.Header.Text(name); err != nil {
			return 0, err
		}
	}
	err = e.Walk(func(_ []int, part *gomessage.Entity, err error) error {
		if err != nil {
			return err
		}
		if t, _, _ := part.Header.ContentType(); strings.HasPrefix(t, "multipart/") {
			return nil
		}
		n, err := io.Copy(io.Discard, part.Body)
		decoded += n
		return err
	})
	return decoded, err
}

// TestParsersAgree keeps the comparison honest: both decode the same number of
// octets.
func TestParsersAgree(t *testing.T) {
	text := typical(t)
	ours, err1 := fullPosthouse(text)
	theirs, err2 := fullGoMessage(text)
	if err1 != nil || err2 != nil || ours != theirs || ours < 30_000 {
		t.Errorf("decoded %d octets (%v), go-message %d (%v)", ours, err1, theirs, err2)
	}
}

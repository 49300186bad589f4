package parsing

import (
	"bytes"
	"io"
	"strings"

	gomessage "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/jhillyerd/enmime/v2"

	"github.com/posthouse/posthouse/message"
)

// Names of the parsers. A full parse finds Subject, From and To and decodes every body,
// text to UTF-8; Structure is ours for who wants the fields and the tree alone.
const (
	Posthouse = "posthouse"
	Structure = "posthouse-structure"
	GoMessage = "go-message"
	Enmime    = "enmime"
	GMime     = "gmime"
)

// Parsers are those in Go. Each returns how many octets it has decoded.
var Parsers = map[string]func(text []byte) (decoded int64, err error){
	Posthouse: fullPosthouse,
	Structure: envelopePosthouse,
	GoMessage: fullGoMessage,
	Enmime:    fullEnmime,
}

// fullPosthouse parses with every body decoded into memory of its own, text as
// UTF-8, and Subject, From and To.
func fullPosthouse(text []byte) (int64, error) {
	m, err := message.ParseBytes(text)
	if err != nil {
		return 0, err
	}
	envelopeOf(m)
	var decoded int64
	for p := range m.Parts() {
		if strings.HasPrefix(p.MediaType(), "multipart/") {
			continue
		}
		var b []byte
		if strings.HasPrefix(p.MediaType(), "text/") {
			b, err = p.AppendText(nil)
		} else {
			b, err = p.AppendBody(nil)
		}
		if err != nil {
			return decoded, err
		}
		decoded += int64(len(b))
	}
	return decoded, nil
}

func envelopePosthouse(text []byte) (int64, error) {
	m, err := message.ParseBytes(text)
	if err == nil {
		envelopeOf(m)
	}
	return 0, err
}

func envelopeOf(m *message.Message) {
	h := m.Header()
	_ = h.Subject()
	_, _ = h.Addresses("From")
	_, _ = h.Addresses("To")
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

func fullEnmime(text []byte) (decoded int64, err error) {
	e, err := enmime.ReadEnvelope(bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	_ = e.GetHeader("Subject")
	_, _ = e.AddressList("From")
	_, _ = e.AddressList("To")
	e.Root.DepthMatchAll(func(p *enmime.Part) bool {
		decoded += int64(len(p.Content))
		return false
	})
	return decoded, nil
}

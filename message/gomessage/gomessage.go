// Package gomessage turns messages into values of github.com/emersion/go-message
// and back, for programs that already use it. Fields keep their octets: names as they
// are written, folding, blanks and 8-bit text, so that a DKIM signature stands.
//
// What go-message has no place for is lost on the way there: lines in a header that are no
// fields. All else is as that package reads it; the leniency of package message ends
// at its door.
package gomessage

import (
	"bytes"
	"errors"
	"io"
	"slices"

	gomessage "github.com/emersion/go-message"

	"github.com/posthouse/posthouse/message"
)

// Header returns h as a header of go-message. A line end that is not CRLF becomes that.
func Header(h message.Header) gomessage.Header {
	var out gomessage.Header
	for _, f := range slices.Backward(slices.Collect(h.All())) {
		if f.Name() != "" {
			out.AddRaw(withCRLF(f.Raw())) // on top of what is there
		}
	}
	return out
}

// withCRLF returns a field with CRLF at the end of each line.
func withCRLF(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+2)
	for line := range bytes.Lines(raw) {
		out = append(append(out, bytes.TrimRight(line, "\r\n")...), "\r\n"...)
	}
	return out
}

// FromHeader returns a header of go-message as a Header. The error is that of a field that
// cannot be written.
func FromHeader(h gomessage.Header) (message.Header, error) {
	raw, err := rawHeader(h)
	if err != nil {
		return message.Header{}, err
	}
	return message.ParseHeader(raw), nil
}

func rawHeader(h gomessage.Header) ([]byte, error) {
	var raw []byte
	for fields := h.Fields(); fields.Next(); {
		field, err := fields.Raw()
		if err != nil {
			return nil, err
		}
		raw = append(raw, field...)
	}
	return raw, nil
}

// Entity returns the part as an Entity of go-message, which reads the body from the
// message: it can be read once, and Entity called again. The error is that of go-message
// for an encoding or a charset that it does not know; there is an Entity all the same.
func Entity(p *message.Part) (*gomessage.Entity, error) {
	return gomessage.New(Header(p.Header()), p.RawBody())
}

// FromEntity reads an Entity to its end and parses it. The header is that of the
// Entity, octet for octet; bodies are as go-message encodes them again.
func FromEntity(e *gomessage.Entity) (*message.Message, error) {
	head, err := rawHeader(e.Header)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := e.WriteTo(&buf); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	// WriteTo may put a MIME-Version on top.
	_, body, _ := bytes.Cut(buf.Bytes(), []byte("\r\n\r\n"))
	return message.ParseBytes(slices.Concat(head, []byte("\r\n"), body))
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/posthouse/posthouse/message"
)

// maxInput is how much of standard input is taken for a message: 64 MiB.
const maxInput = 64 << 20

// finished reads a message that is complete, and takes from its header to whom
// it goes. Bcc and Resent-Bcc fields are left out of what is sent; all else goes
// as it is.
func (o *options) finished(in io.Reader) (*letter, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxInput {
		return nil, fmt.Errorf("standard input has more than %d octets", maxInput)
	}
	msg, err := message.ParseBytes(text)
	if err != nil {
		return nil, err
	}
	_, body, _ := msg.Root().Offsets()
	for _, d := range msg.Defects() {
		if (d.Kind == message.HeaderTooLong || d.Kind == message.TooManyFields) && d.Offset <= body {
			return nil, d // there may be recipients in what was not read, and a Bcc field
		}
	}
	var to []string
	for _, name := range []string{"To", "Cc", "Bcc"} {
		boxes, err := msg.Header().Addresses(name)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		for _, box := range boxes {
			to = append(to, box.Addr)
		}
	}
	from := o.from
	if from == "" {
		authors, err := msg.Header().Addresses("From")
		if err != nil || len(authors) == 0 {
			return nil, errors.Join(errors.New("the message has no author: say -from"), err)
		}
		from = authors[0].Addr
	}
	env, err := envelope(from, to)
	if err != nil {
		return nil, err
	}
	return &letter{env, io.NopCloser(io.MultiReader(withoutBcc(msg, text)...))}, nil
}

// withoutBcc returns the message in pieces, without its Bcc and Resent-Bcc fields.
func withoutBcc(msg *message.Message, text []byte) []io.Reader {
	var pieces []io.Reader
	for f := range msg.Header().All() {
		if name := strings.ToLower(f.Name()); name != "bcc" && name != "resent-bcc" {
			pieces = append(pieces, bytes.NewReader(f.Raw()))
		}
	}
	_, body, _ := msg.Root().Offsets()
	return append(pieces, strings.NewReader("\r\n"), bytes.NewReader(text[body:]))
}

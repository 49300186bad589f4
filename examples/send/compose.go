package main

import (
	"errors"
	"fmt"

	"github.com/posthouse/posthouse/message"
)

// compose makes a message of what the flags say. Attached files are read when the message
// is sent, once to look through it and once to send it; when one cannot be read, nothing is
// sent, and when it cannot be read to its end again, the message is not completed.
func (o *options) compose() (*letter, error) {
	draft := &message.Draft{Subject: o.subject, Text: o.text, HTML: o.html}
	if o.from == "" {
		return nil, errors.New("-from is not given")
	}
	if o.text == "" && o.html == "" && len(o.attach) == 0 {
		return nil, errors.New("nothing to send: give -text, -html or -attach, or -t with a message on standard input")
	}
	for _, field := range []struct {
		flag string
		from []string
		to   *[]message.Mailbox
	}{
		{"-from", []string{o.from}, &draft.From},
		{"-to", o.to, &draft.To},
		{"-cc", o.cc, &draft.Cc},
		{"-bcc", o.bcc, &draft.Bcc},
	} {
		for _, text := range field.from {
			boxes, err := message.ParseAddressList(text)
			if err != nil {
				return nil, fmt.Errorf("%s %q: %w", field.flag, text, err)
			}
			*field.to = append(*field.to, boxes...)
		}
	}
	for _, file := range o.attach {
		draft.Attachments = append(draft.Attachments, message.FromFile(file))
	}
	env, err := envelope(draft.From[0].Addr, draft.Recipients())
	if err != nil {
		return nil, err
	}
	body, err := draft.Reader()
	if err != nil {
		return nil, err
	}
	return &letter{env, body}, nil
}

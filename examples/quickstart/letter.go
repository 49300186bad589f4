package main

import (
	"bytes"
	"os"

	"github.com/posthouse/posthouse/message"
)

// ownLetter composes a letter with text and HTML, a picture in the HTML, an
// attachment, and names that ASCII does not have. It is returned as it goes over
// the wire.
func ownLetter() ([]byte, error) {
	draft := &message.Draft{
		From:    []message.Mailbox{{Name: "Alice Håkansson", Addr: "alice@example.test"}},
		To:      []message.Mailbox{{Name: "Bob Ångström", Addr: "bob@example.test"}},
		Subject: "Grüße aus dem Posthaus: 郵便局からのご挨拶",
		Text:    "Lieber Bob,\n\ndie Pferde sind gewechselt, der Brief ist unterwegs.\n.\nDie Zeile über dieser ist ein einzelner Punkt.\n\nAlice\n",
		HTML:    `<p>Lieber Bob,</p><p>die Pferde sind gewechselt. <img src="cid:horse@example.test" alt="Pferd"></p>`,
		Inline:  []message.Attachment{message.FromBytes("pferd.svg", "image/svg+xml", []byte(horse)).WithContentID("horse@example.test")},
		Attachments: []message.Attachment{
			message.FromBytes("Fahrplan für März.csv", "text/csv", []byte("Ort;Ankunft\nKöln;08:15\nMünster;13:40\n")),
		},
	}
	var b bytes.Buffer
	if _, err := draft.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

const horse = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M1 7V4l2-2 1-2 1 2 2 1-1 1v3H5V5H3v2z"/></svg>`

// letterFrom reads a message from a file and gives its lines the ends that the
// wire has. A CR within a line is left where it is: strict software refuses it.
func letterFrom(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	if !bytes.HasSuffix(text, []byte("\r\n")) {
		text = append(text, "\r\n"...)
	}
	return text, nil
}

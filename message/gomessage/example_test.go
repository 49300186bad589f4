package gomessage_test

import (
	"fmt"
	"io"
	"log"

	emersion "github.com/emersion/go-message"

	"github.com/posthouse/posthouse/message"
	"github.com/posthouse/posthouse/message/gomessage"
)

// A part is handed to a program that reads values of go-message.
func ExampleEntity() {
	m, _ := message.ParseBytes([]byte("Content-Type: multipart/mixed; boundary=aa\r\n\r\n--aa\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--aa--\r\n"))
	e, err := gomessage.Entity(m.Part("1"))
	if err != nil && !emersion.IsUnknownCharset(err) { // it can be read all the same
		log.Fatal(err)
	}
	b, err := io.ReadAll(e.Body)
	fmt.Printf("%s %v\n", b, err)
	// Output: hello <nil>
}

// A header of go-message is read by this module.
func ExampleFromHeader() {
	var h emersion.Header
	h.SetText("Subject", "Grüße")
	h.Set("To", "Jo <jo@example.org>")
	header, err := gomessage.FromHeader(h)
	if err != nil {
		log.Fatal(err)
	}
	to, err := header.Addresses("To")
	fmt.Println(header.Subject(), to, err)
	// Output: Grüße [{Jo jo@example.org}] <nil>
}

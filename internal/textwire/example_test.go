package textwire_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/posthouse/posthouse/internal/textwire"
)

func ExampleReader_ReadLine() {
	r := textwire.NewReader(strings.NewReader("NOOP\r\nQUIT\n"))
	for {
		line, err := r.ReadLine(512)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s\n", line)
	}
	// Output:
	// NOOP
	// textwire: bare LF at octet 4
}

func ExampleDotReader() {
	r := textwire.NewReader(strings.NewReader("one\r\n..two\r\n.\r\nQUIT\r\n"))
	body, err := io.ReadAll(textwire.NewDotReader(r, textwire.Strict))
	fmt.Printf("%q %v\n", body, err)
	line, err := r.ReadLine(512)
	fmt.Printf("%q %v\n", line, err)
	// Output:
	// "one\r\n.two\r\n" <nil>
	// "QUIT" <nil>
}

// A refused body is drained so that the refusal arrives in step.
func ExampleDotReader_Drain() {
	r := textwire.NewReader(strings.NewReader("one\ntwo\r\n.\r\n"))
	body := textwire.NewDotReader(r, textwire.Strict)
	_, err := io.Copy(io.Discard, body)
	fmt.Println(err)
	fmt.Println(body.Drain(1<<20), body.Ended())
	// Output:
	// textwire: bare LF at octet 3
	// <nil> true
}

func ExampleDotWriter() {
	var sent strings.Builder
	w := textwire.NewWriter(&sent)
	body := textwire.NewDotWriter(w, textwire.Normalize)
	_, err := body.ReadFrom(strings.NewReader("one\n.two\n"))
	fmt.Println(err, body.Close(), w.Flush())
	fmt.Printf("%q\n", sent.String())
	// Output:
	// <nil> <nil> <nil>
	// "one\r\n..two\r\n.\r\n"
}

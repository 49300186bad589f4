// Command quickstart carries one letter all the way, on this machine and without
// setting anything up, and shows the dialogue with a line of explanation for each
// step:
//
//	go run ./examples/quickstart
//
// It starts a mail host on loopback with a temporary folder; is refused as a
// stranger; opens the relay by a POP3 login (POP before SMTP); submits a letter
// with AUTH over TLS; fetches it over POP3 and checks that what came back is what
// was sent; shows the tree of its parts; leaves a copy on the server, then deletes
// it. With -in FILE that message is sent instead of its own. The exit status is
// not 0 when anything is wrong.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/posthouse/posthouse/examples/internal/program"
)

func main() {
	in := flag.String("in", "", "send the message in this `file`")
	flag.Parse()
	program.Main("quickstart", func(ctx context.Context) error {
		letter, err := ownLetter()
		if *in != "" {
			letter, err = letterFrom(*in)
		}
		if err != nil {
			return err
		}
		return tell(ctx, os.Stdout, letter)
	})
}

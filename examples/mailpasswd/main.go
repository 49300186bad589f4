// Command mailpasswd sets the password of a user in a users file, as mailhost and the
// package auth/usersfile read it:
//
//	mailpasswd users.txt alice                                  # asks for the password, twice
//	pass show mail/alice | mailpasswd users.txt alice           # takes the first line
//	mailpasswd -form scram-sha-256,scram-sha-1 users.txt alice
//	mailpasswd -delete users.txt alice
//
// It never takes a password as an argument, which all users of the machine could read.
// The file is made if there is none, and replaced in one step: a server that uses it
// sees the old one or the new one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/posthouse/posthouse/auth/usersfile"
	"github.com/posthouse/posthouse/examples/internal/program"
)

func main() {
	var known []string
	for _, kind := range usersfile.Kinds() {
		known = append(known, string(kind))
	}
	forms := flag.String("form", string(usersfile.Argon2id), "`forms` of the secret, one or, of SCRAM, several with commas between: "+strings.Join(known, ", "))
	remove := flag.Bool("delete", false, "remove the user")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: mailpasswd [-form FORMS | -delete] FILE USER")
		flag.PrintDefaults()
	}
	flag.Parse()
	program.Main("mailpasswd", func(ctx context.Context) error {
		if flag.NArg() != 2 {
			flag.Usage()
			return errors.New("want a file and a user")
		}
		file, user := flag.Arg(0), flag.Arg(1)
		if *remove {
			return usersfile.Remove(file, user)
		}
		password, err := ask(ctx, os.Stdin, os.Stderr)
		if err != nil {
			return err
		}
		return set(file, user, password, strings.Split(*forms, ","))
	})
}

func set(file, user, password string, forms []string) error {
	var secrets []string
	for _, form := range forms {
		secret, err := usersfile.Make(usersfile.Kind(form), password)
		if err != nil {
			return err
		}
		secrets = append(secrets, secret)
	}
	return usersfile.Set(file, user, secrets...)
}

// ask reads a password: of a terminal twice and without an echo, else the first line.
func ask(ctx context.Context, in *os.File, out io.Writer) (string, error) {
	restore, err := hideInput(in)
	if err != nil {
		return "", err
	}
	defer restore()
	terminal := isTerminal(in)
	prompt := func(text string) {
		if terminal {
			fmt.Fprint(out, text)
		}
	}
	type answer struct {
		password string
		err      error
	}
	done := make(chan answer, 1)
	go func() { // a read of a terminal cannot be broken off: the program ends before it
		var a answer
		prompt("Password: ")
		if a.password, a.err = readLine(in); a.err == nil && terminal {
			prompt("\nAgain: ")
			var again string
			if again, a.err = readLine(in); a.err == nil && again != a.password {
				a.err = errors.New("these are two passwords")
			}
		}
		prompt("\n")
		done <- a
	}()
	select {
	case a := <-done:
		return a.password, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// longest is more than any password has.
const longest = 1024

// readLine reads a line octet by octet, so that nothing behind it is taken.
func readLine(in io.Reader) (string, error) {
	var line []byte
	for octet := make([]byte, 1); len(line) < longest; {
		n, err := in.Read(octet)
		switch {
		case n == 1 && octet[0] == '\n', err == io.EOF && len(line) > 0:
			return strings.TrimSuffix(string(line), "\r"), nil
		case n == 1:
			line = append(line, octet[0])
		case err == io.EOF:
			return "", errors.New("no password on standard input")
		case err != nil:
			return "", err
		}
	}
	return "", errors.New("password too long")
}

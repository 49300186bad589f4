// Command mimetree prints the tree of parts of a message: for people, or with -json
// for comparing with what other programs make of it.
//
//	mimetree [-json] [-defects] FILE|-
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/posthouse/posthouse/message"
)

func main() {
	asJSON := flag.Bool("json", false, "print JSON")
	defects := flag.Bool("defects", false, "look for all defects and list them")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: mimetree [-json] [-defects] FILE|-")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(os.Stdout, flag.Arg(0), *asJSON, *defects); err != nil {
		fmt.Fprintln(os.Stderr, "mimetree:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, name string, asJSON, defects bool) error {
	parser := message.Parser{Thorough: defects}
	m, closeFile, err := open(&parser, name)
	if err != nil {
		return err
	}
	defer closeFile()
	out := bufio.NewWriter(w)
	if asJSON {
		if err := writeJSON(out, m); err != nil {
			return err
		}
		return out.Flush()
	}
	fmt.Fprintf(out, "Subject: %s\n", m.Header().Subject())
	for _, field := range []string{"From", "To", "Cc"} {
		if list, _ := m.Header().Addresses(field); len(list) > 0 {
			fmt.Fprintf(out, "%s: %s\n", field, names(list))
		}
	}
	if err := writeTree(out, m.Root(), 0); err != nil {
		return err
	}
	for _, d := range m.Defects() {
		fmt.Fprintln(out, d.Error())
	}
	return out.Flush()
}

// open parses the file of that name, which stays open until closeFile is called,
// or standard input for "-", which is read to its end first.
func open(parser *message.Parser, name string) (m *message.Message, closeFile func() error, err error) {
	if name == "-" {
		b, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, nil, err
		}
		m, err = parser.ParseBytes(b)
		return m, func() error { return nil }, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		m, err = parser.Parse(f, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return m, f.Close, nil
}

func names(list []message.Mailbox) string {
	var s []string
	for _, m := range list {
		if m.Name != "" {
			s = append(s, fmt.Sprintf("%s <%s>", m.Name, m.Addr))
		} else {
			s = append(s, m.Addr)
		}
	}
	return strings.Join(s, ", ")
}

// writeTree prints a line for p and one for each part inside it.
func writeTree(w io.Writer, p *message.Part, depth int) error {
	fmt.Fprintf(w, "%s%s  %s", strings.Repeat("  ", depth), p.Path(), p.MediaType())
	for _, s := range []string{p.Charset(), p.Disposition(), p.Filename()} {
		if s != "" {
			fmt.Fprintf(w, "  %q", s)
		}
	}
	children := false
	for c := range p.Children() {
		if !children {
			fmt.Fprintln(w)
		}
		children = true
		if err := writeTree(w, c, depth+1); err != nil {
			return err
		}
	}
	if children {
		return nil
	}
	n, err := io.Copy(io.Discard, p.Open())
	fmt.Fprintf(w, "  %d octets\n", n)
	return err
}

package transcript

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Dialogue is what the client and the server of one connection say.
type Dialogue struct {
	Name    string // of its section in the file
	Comment string // the text before the first line

	// TLS is for "-- tls": the playing side's configuration.
	TLS *tls.Config

	// Timeout is how long the player waits for each thing; 0 means a minute.
	Timeout time.Duration

	file  string // for messages
	steps []step
}

// A step is a line of a Dialogue.
type step struct {
	line   int    // in the file, from 1
	what   kind   // who sends octets, or what else happens
	octets string // on the wire
	open   bool   // octets, but for their CRLF, are only a beginning
}

type kind string

const (
	client  kind = "C"
	server  kind = "S"
	useTLS  kind = "tls"
	closing kind = "close"
	drop    kind = "drop"
)

// Parse reads one dialogue.
func Parse(text []byte) (Dialogue, error) {
	return parse(section{file: "dialogue", line: 1, text: string(text)})
}

// Load reads the dialogues of a txtar file.
func Load(t testing.TB, path string) []Dialogue {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var ds []Dialogue
	for _, s := range sections(path, string(text)) {
		d, err := parse(s)
		if err != nil {
			t.Fatal(err)
		}
		ds = append(ds, d)
	}
	if len(ds) == 0 {
		t.Fatalf("%s: no dialogue in it", path)
	}
	return ds
}

// Octets returns all that one side sends, 'C' or 'S', but for TLS.
func (d Dialogue) Octets(side byte) []byte {
	var b bytes.Buffer
	for _, s := range d.steps {
		if s.what == kind(side) {
			b.WriteString(s.octets)
		}
	}
	return b.Bytes()
}

// A section is a file in a txtar archive.
type section struct {
	name, file string
	line       int // the number of text's first line in file
	text       string
}

// sections splits a txtar archive; what comes before the first marker is comment.
func sections(file, text string) (ss []section) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		name, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "-- ")
		if name, isMarker := strings.CutSuffix(name, " --"); ok && isMarker {
			ss = append(ss, section{name: name, file: file, line: n + 1})
		} else if len(ss) > 0 {
			ss[len(ss)-1].text += line
		}
	}
	return ss
}

func parse(s section) (Dialogue, error) {
	d := Dialogue{Name: s.name, file: s.file}
	n := s.line - 1
	for line := range strings.Lines(s.text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		st, err := parseLine(line)
		switch {
		case line == "" || line[0] == '#':
		case err == nil:
			st.line = n
			d.steps = append(d.steps, st)
		case err == errKind && len(d.steps) == 0:
			d.Comment += line + "\n"
		default:
			return d, fmt.Errorf("%s:%d: %w", s.file, n, err)
		}
	}
	if len(d.steps) == 0 {
		return d, fmt.Errorf("%s:%d: nothing is said in dialogue %q", s.file, s.line, s.name)
	}
	return d, nil
}

var errKind = fmt.Errorf("not a line of a dialogue")

func parseLine(line string) (s step, err error) {
	mark, text, _ := strings.Cut(line, " ")
	switch mark {
	case "C:", "S:":
		s.what = kind(mark[:1])
		if s.what == server {
			text, s.open = strings.CutSuffix(text, "*")
		}
		s.octets = text + "\r\n"
	case "c:", "s:":
		s.what = kind(strings.ToUpper(mark[:1]))
		s.octets, err = unescape(text)
	case "--":
		switch s.what = kind(text); s.what {
		case useTLS, closing, drop:
		default:
			err = errKind
		}
	default:
		err = errKind
	}
	return s, err
}

// unescape returns the octets that text of a raw line stands for.
func unescape(text string) (string, error) {
	var b strings.Builder
	for len(text) > 0 {
		before, after, found := strings.Cut(text, `\`)
		b.WriteString(before)
		if !found {
			break
		}
		if after == "" {
			return "", fmt.Errorf("escape without a letter")
		}
		text = after[1:]
		switch after[0] {
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		case '0':
			b.WriteByte(0)
		case '\\':
			b.WriteByte('\\')
		case 'x':
			c, err := strconv.ParseUint(text[:min(2, len(text))], 16, 8)
			if err != nil || len(text) < 2 {
				return "", fmt.Errorf(`\x without two digits`)
			}
			b.WriteByte(byte(c))
			text = text[2:]
		default:
			return "", fmt.Errorf("unknown escape %q", after[0])
		}
	}
	return b.String(), nil
}

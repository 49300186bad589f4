package usersfile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/posthouse/posthouse/auth"
)

// maxLine is the longest line, in octets: a name and keys of SCRAM-SHA-512 with the
// longest salt take less.
const maxLine = 1024

// SyntaxError says which line of a users file is wrong. It holds no part of the line.
type SyntaxError struct {
	File   string
	Line   int // from 1
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("usersfile: %s:%d: %s", e.File, e.Line, e.Reason)
}

// entry is a user.
type entry struct {
	name   string
	secret secret   // verifies passwords
	plain  string   // the password, prepared, if the file has it
	keys   [4]*keys // by auth.SCRAMHash
	lines  string   // as they stand in the file, to tell whether they changed
}

// keys are keys of SCRAM as a secret.
type keys auth.SCRAMKeys

// parse reads the text of a users file.
func parse(file string, text []byte) (map[string]*entry, error) {
	users := make(map[string]*entry)
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if reason := addLine(users, line); reason != "" {
			return nil, &SyntaxError{File: file, Line: n, Reason: reason}
		}
	}
	return users, nil
}

// addLine says what is wrong with a line; nothing if it is a user, or passed over.
func addLine(users map[string]*entry, line []byte) string {
	switch {
	case len(line) > maxLine:
		return "line longer than 1024 octets"
	case len(bytes.TrimSpace(line)) == 0 || line[0] == '#':
		return ""
	}
	name, text, ok := strings.Cut(string(line), ":")
	if !ok {
		return "no colon"
	}
	name, reason := prepareName(name)
	if reason != "" {
		return reason
	}
	s, reason := parseSecret(text)
	if reason != "" {
		return reason
	}
	u := users[name]
	k, isKeys := s.(*keys)
	switch {
	case u == nil:
		u = &entry{name: name, secret: s}
		users[name] = u
	case !isKeys || u.keys == [4]*keys{} || u.keys[k.Hash] != nil:
		return "user has a line already"
	}
	if isKeys {
		u.keys[k.Hash] = k
	}
	if p, ok := s.(plain); ok {
		u.plain = string(p)
	}
	u.lines += text + "\n"
	return ""
}

// prepareName takes the name of a user. What preparation makes of it has to be a name
// in the file too.
func prepareName(name string) (prepared, reason string) {
	prepared, err := auth.Prepare(name)
	switch {
	case err != nil || strings.Contains(prepared, ":") || prepared[0] == '#':
		return "", "name is empty, too long, or of characters that no name has"
	case name != strings.TrimSpace(name) || prepared != strings.TrimSpace(prepared):
		return "", "space before or behind the name"
	}
	return prepared, ""
}

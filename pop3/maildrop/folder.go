package maildrop

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/posthouse/posthouse/pop3"
)

// NameError is the error for a user who can have no Maildir, by name. The client reads
// an -ERR with [pop3.CodeSysPerm].
type NameError struct {
	Name string // the user's name, or the folder that Maildir.Folder gave
}

func (e *NameError) Error() string {
	return fmt.Sprintf("maildrop: %q cannot be the name of a folder", e.Name)
}

// Unwrap gives the reply to the client.
func (e *NameError) Unwrap() error {
	return &pop3.Error{Code: pop3.CodeSysPerm, Text: "no maildrop by that name"}
}

// maxName is what file systems take.
const maxName = 255

// checkName refuses what is not one plain element of a path on every system: a dot in
// front hides, and may lead up.
func checkName(name string) error {
	if name == "" || len(name) > maxName || name[0] == '.' || strings.ContainsAny(name, `/\:`) || !utf8.ValidString(name) ||
		strings.ContainsFunc(name, unicode.IsControl) {
		return &NameError{Name: name}
	}
	return nil
}

// checkFolder refuses a path with an element that checkName refuses.
func checkFolder(folder string) error {
	for name := range strings.SplitSeq(folder, "/") {
		if checkName(name) != nil {
			return &NameError{Name: folder}
		}
	}
	return nil
}

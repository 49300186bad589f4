package rfc

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed rfcs.tsv
var documentsTSV string

// Document is an RFC that this module obeys, or of which the ledger judges that it does
// not.
type Document struct {
	Number   string
	Title    string   // what it is about, in a few words
	Packages []string // where to read how it is obeyed, by their paths below the module's root; none if it is not
}

var documents = sync.OnceValues(func() ([]Document, error) { return parseDocuments(documentsTSV) })

// Documents returns all RFCs in the order of their numbers. The slice is shared: do not
// change it.
func Documents() ([]Document, error) { return documents() }

func parseDocuments(text string) ([]Document, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "number\ttitle\tpackages" {
		return nil, fmt.Errorf("rfc: the first line of the documents is %q", lines[0])
	}
	var out []Document
	for i, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[0] == "" || f[1] == "" {
			return nil, fmt.Errorf("rfc: line %d of the documents is not a number, a title and packages", i+2)
		}
		if n := len(out); n > 0 && (len(f[0]) != len(out[n-1].Number) || f[0] <= out[n-1].Number) {
			return nil, fmt.Errorf("rfc: line %d of the documents: RFC %s is out of order", i+2, f[0])
		}
		d := Document{Number: f[0], Title: f[1]}
		if f[2] != "" {
			d.Packages = strings.Split(f[2], ", ")
		}
		out = append(out, d)
	}
	return out, nil
}

// Comment returns the documents that are obeyed as lines of a Go comment.
func Comment(list []Document) string {
	var b strings.Builder
	for _, d := range list {
		if len(d.Packages) > 0 {
			fmt.Fprintf(&b, "//\t%s  %-33s  %s\n", d.Number, d.Title, strings.Join(d.Packages, ", "))
		}
	}
	return b.String()
}

package message

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// entityXML is a part in the answers of a collection that tell structure, fields and
// bodies.
type entityXML struct {
	Fields []string `xml:"header>field"`
	Multi  *struct {
		Parts []entityXML `xml:"body-part"`
	} `xml:"multipart"`
	Message *entityXML `xml:"message"`
	Text    *fileXML   `xml:"text-body"`
	Binary  *fileXML   `xml:"binary-body"`
}

type fileXML struct {
	Name string `xml:"name,attr"`
}

// TestMime4j compares structure, fields and decoded bodies.
func TestMime4j(t *testing.T) {
	t.Parallel()
	root := sharedData(t, "mime", "mime4j")
	s := newScore(t, mime4j)
	for _, file := range filesBelow(t, root, ".msg") {
		b, err := os.ReadFile(strings.TrimSuffix(file, ".msg") + "_decoded.xml")
		if err != nil {
			continue
		}
		var want entityXML
		if xml.Unmarshal(b, &want) != nil {
			continue // octets that are not UTF-8
		}
		b, err = os.ReadFile(file)
		require.NoError(t, err)
		m, err := ParseBytes(b)
		require.NoError(t, err)
		s.entity(filepath.Base(strings.TrimSuffix(file, ".msg")), filepath.Dir(file), &want, m.Root())
	}
	s.finish()
}

func (s *score) entity(key, folder string, want *entityXML, p *Part) {
	var fields, got []string
	for _, f := range want.Fields {
		if f = squeeze(f); f != "" {
			fields = append(fields, f)
		}
	}
	for f := range p.Header().All() {
		if f.Name() != "" {
			got = append(got, squeeze(string(f.Raw())))
		}
	}
	for i := range max(len(fields), len(got)) {
		if i >= len(fields) || i >= len(got) {
			s.field(key+"/fields", strings.Join(fields, "\n"), strings.Join(got, "\n"))
			break
		}
		s.field(key+"/field", fields[i], got[i])
	}
	switch {
	case want.Multi != nil:
		if !s.field(key+"/parts", len(want.Multi.Parts), int(p.children)) {
			return
		}
		for c := range p.Children() {
			s.entity(fmt.Sprint(key, ".", c.number), folder, &want.Multi.Parts[c.number-1], c)
		}
	case want.Message != nil:
		if p.kind == leaf && p.encoding != Encoding7Bit {
			m, err := p.Nested()
			require.NoError(s.t, err)
			s.entity(key+".1", folder, want.Message, m.Root())
		} else if s.field(key+"/message", nested, p.kind) {
			s.entity(key+".1", folder, want.Message, p.child(1))
		}
	default:
		f := want.Text
		if f == nil {
			f = want.Binary
		}
		if f == nil {
			return
		}
		b, err := os.ReadFile(filepath.Join(folder, f.Name))
		if err != nil {
			return // not in this half of the collection
		}
		body, err := p.AppendBody(nil)
		require.NoError(s.t, err)
		s.field(key+"/body", string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))), string(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))))
	}
}

var mime4j = map[string]string{
	"double-bound/parts":            "between two boundary lines with nothing between them there is no part: each needs a line end of its own (RFC 2046 section 5.1.1)",
	"multipartemptypart/parts":      "as above",
	"very-long-boundary/parts":      "RFC 2046 section 5.1.1: a boundary does not end with a blank, and blanks behind one do not count",
	"weird-boundary/parts":          "as above",
	"frag.*/body":                   "octets of an unfinished base64 group are kept",
	"multi-frag.3.2/body":           "octets of an unfinished base64 group are kept",
	"malformedHeader-noheader/body": "\"The whole text should be recognized as body\", it says itself",
	"malformedHeaderStartsBody*/*":  "answers of another mode of that parser; a line that is no field does not end the header",
}

package message

import (
	"fmt"
	"strings"
)

// Append appends the field as a Draft writes it, with the CRLF at its end: for who puts a
// field into the header of a message that is there. All names are allowed. It fails, and
// appends nothing, for what is no field name, for line ends, control characters and text
// that is not UTF-8, for words that look like encoded-words and are none, and for a line
// of more than 998 octets that has no blank to be folded at.
func (x ExtraField) Append(dst []byte) ([]byte, error) {
	if reason, value := x.check(); reason != "" {
		return dst, fmt.Errorf("message: field: %s: %q", reason, value)
	}
	f := fieldWriter{b: dst}
	if f.extra(x); f.long {
		return dst, fmt.Errorf("message: field: line that cannot be folded: %q", x.Value)
	}
	return f.b, nil
}

// extra writes a field whose grammar is not known: ASCII as it is, and text beyond that as
// unstructured text.
func (f *fieldWriter) extra(x ExtraField) {
	value := strings.Trim(x.Value, " \t")
	if isASCII([]byte(value)) {
		f.raw(x.Name, value)
		return
	}
	f.begin(x.Name)
	f.text(value)
	f.end()
}

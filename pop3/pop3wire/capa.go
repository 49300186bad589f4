package pop3wire

import (
	"bytes"
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Capability is one line of the reply to CAPA (RFC 2449 section 5).
type Capability struct {
	Tag    string // such as "SASL"; to be compared in any case
	Params []string
}

// ParseCapability reads a line without its CRLF. Several blanks pass for one.
func ParseCapability(line []byte) (Capability, error) {
	fields := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) == 0 || line[0] == ' ' || line[0] == '\t' {
		return Capability{}, errCapability
	}
	for _, f := range fields {
		if !visible(f) {
			return Capability{}, errCapability
		}
	}
	return Capability{Tag: fields[0], Params: fields[1:]}, nil
}

// Append appends the line with its CRLF, or returns dst as it was and an error
// when the tag or a parameter cannot be carried, or when the line would be
// longer than MaxStatus octets.
func (c Capability) Append(dst []byte) ([]byte, error) {
	// capa-tag = 1*cchar ; cchar excludes "."
	if !visible(c.Tag) || strings.ContainsRune(c.Tag, '.') {
		return dst, errCapability
	}
	out := append(dst, c.Tag...)
	for _, p := range c.Params {
		if !visible(p) {
			return dst, errCapability
		}
		out = append(append(out, ' '), p...)
	}
	if len(out)-len(dst)+2 > MaxStatus {
		return dst, errCapability
	}
	return append(out, '\r', '\n'), nil
}

// Capabilities are the capabilities of a server, in its order.
type Capabilities []Capability

// ParseCapa reads the lines of a reply to CAPA: what stands between the status
// line and the final dot, un-stuffed, each line with its CRLF.
func ParseCapa(body []byte) (Capabilities, error) {
	var list Capabilities
	for len(body) > 0 {
		line, rest, found := bytes.Cut(body, []byte("\r\n"))
		if !found {
			return nil, errCapability
		}
		c, err := ParseCapability(line)
		if err != nil {
			return nil, err
		}
		list, body = append(list, c), rest
	}
	return list, nil
}

// Append appends all lines.
func (l Capabilities) Append(dst []byte) ([]byte, error) {
	out := dst
	for _, c := range l {
		var err error
		if out, err = c.Append(out); err != nil {
			return dst, err
		}
	}
	return out, nil
}

// Has reports whether the server has the capability.
func (l Capabilities) Has(tag string) bool {
	_, ok := l.Params(tag)
	return ok
}

// Params returns the parameters of the capability, and whether the server has
// it. The tag is compared in any case (RFC 2449 section 5); the first line of a
// tag counts.
func (l Capabilities) Params(tag string) ([]string, bool) {
	for _, c := range l {
		if ascii.EqualFold(c.Tag, tag) {
			return c.Params, true
		}
	}
	return nil, false
}

package smtpwire

import (
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Xclient is the XCLIENT command, by which a proxy tells whom it speaks for, as Postfix
// defines it.
//
//	xclient         = "XCLIENT" 1*( SP attribute-name "=" attribute-value ) CRLF
//	attribute-name  = "NAME" / "ADDR" / "PORT" / "PROTO" / "HELO" / "LOGIN" / "DESTADDR" / "DESTPORT"
//	attribute-value = xtext
type Xclient struct {
	Attributes []XclientAttribute // in order, no name twice
}

// XclientAttribute is one thing that XCLIENT tells. A Value of [XclientUnavailable] or
// [XclientTemporary] says that it is not known.
type XclientAttribute struct {
	Name  string // in upper case
	Value string // decoded; printable ASCII
}

// The values that say that there is none.
const (
	XclientUnavailable = "[UNAVAILABLE]"
	XclientTemporary   = "[TEMPUNAVAIL]"
)

// Get returns the value of an attribute, whose name is written in upper case.
func (c *Xclient) Get(name string) (value string, ok bool) {
	for _, a := range c.Attributes {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// Parse parses what follows the verb and its blank. It overwrites c, of which it keeps
// the memory of Attributes.
func (c *Xclient) Parse(args string) error {
	c.Attributes = c.Attributes[:0]
	for rest := args; ; {
		word, next, more := strings.Cut(strings.TrimLeft(rest, " "), " ")
		name, encoded, ok := strings.Cut(word, "=")
		if !ok || !isKeyword(name) {
			break
		}
		value, ok := ParseXtext(encoded)
		name = ascii.ToUpper(name)
		if _, twice := c.Get(name); !ok || twice || value == "" || !isText(value) {
			break
		}
		c.Attributes = append(c.Attributes, XclientAttribute{name, value})
		if !more {
			return nil
		}
		rest = next
	}
	c.Attributes = c.Attributes[:0]
	return syntax(badArgument, "XCLIENT name=value expected")
}

// Append appends the command line with its CRLF.
func (c *Xclient) Append(dst []byte) ([]byte, error) {
	line := append(dst, "XCLIENT"...)
	for i, a := range c.Attributes {
		first, _ := (&Xclient{c.Attributes[:i]}).Get(a.Name)
		if !isKeyword(a.Name) || ascii.ToUpper(a.Name) != a.Name || a.Value == "" || !isText(a.Value) || first != "" {
			return dst, &UnsafeError{XCLIENT, "attribute"}
		}
		line = append(line, ' ')
		line = append(line, a.Name...)
		line = append(line, '=')
		line = AppendXtext(line, a.Value)
	}
	if len(c.Attributes) == 0 {
		return dst, &UnsafeError{XCLIENT, "attribute"}
	}
	return append(line, '\r', '\n'), nil
}

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Xclient) AppendPublic(dst []byte) []byte { return public(dst, XCLIENT, c.Append) }

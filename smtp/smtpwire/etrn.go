package smtpwire

import "strings"

// Etrn is the ETRN command, which asks a server to deliver what it holds for a host:
// RFC 1985 section 5.
//
//	etrn = "ETRN" SP [ "@" / "#" ] node-name CRLF
type Etrn struct {
	Option byte   // 0; '@': the domains below Node too; '#': Node is the name of a queue
	Node   string // a domain name with a dot in it; the name of a queue is any printable ASCII without blanks
}

// Parse parses what follows the verb and its blank.
func (c *Etrn) Parse(args string) error {
	*c = Etrn{Node: args}
	if args != "" && (args[0] == '@' || args[0] == '#') {
		c.Option, c.Node = args[0], args[1:]
	}
	if !c.valid() {
		*c = Etrn{}
		return syntax(badArgument, "domain name expected")
	}
	return nil
}

func (c *Etrn) valid() bool {
	switch c.Option {
	case '#':
		return c.Node != "" && len(c.Node) <= maxDomain && allOf(c.Node, classVisual)
	case 0, '@':
		// RFC 1985 section 5: the name is fully qualified.
		host, rest, ok := scanHost(c.Node)
		return ok && rest == "" && host[0] != '[' && isASCII(host) && strings.Contains(host, ".")
	}
	return false
}

// Append appends the command line with its CRLF.
func (c *Etrn) Append(dst []byte) ([]byte, error) {
	if !c.valid() {
		return dst, &UnsafeError{ETRN, "node"}
	}
	dst = append(dst, "ETRN "...)
	if c.Option != 0 {
		dst = append(dst, c.Option)
	}
	dst = append(dst, c.Node...)
	return append(dst, '\r', '\n'), nil
}

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Etrn) AppendPublic(dst []byte) []byte { return public(dst, ETRN, c.Append) }

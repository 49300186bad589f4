package smtpwire

import "github.com/posthouse/posthouse/internal/ascii"

// Vrfy is the VRFY command: RFC 5321 section 4.1.1.6 and RFC 6531 section 3.7.4.2.
//
//	vrfy = "VRFY" SP String [ SP "SMTPUTF8" ] CRLF
type Vrfy struct {
	Text string // may be UTF-8
	UTF8 bool   // the reply may be UTF-8
}

// Parse parses what follows the verb and its blank.
func (c *Vrfy) Parse(args string) (err error) {
	c.Text, c.UTF8, err = parseQuery(args)
	return err
}

// Append appends the command line with its CRLF.
func (c *Vrfy) Append(dst []byte) ([]byte, error) { return appendQuery(dst, VRFY, c.Text, c.UTF8) }

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Vrfy) AppendPublic(dst []byte) []byte { return public(dst, VRFY, c.Append) }

const utf8Suffix = " SMTPUTF8"

// parseQuery parses the argument of VRFY or EXPN.
func parseQuery(args string) (text string, utf8 bool, err error) {
	if n := len(args) - len(utf8Suffix); n > 0 && ascii.EqualFold(args[n:], utf8Suffix) {
		args, utf8 = args[:n], true
	}
	if args == "" || !isTextUTF8(args) {
		return "", false, syntax(badArgument, "bad argument")
	}
	return args, utf8, nil
}

func appendQuery(dst []byte, v Verb, text string, utf8 bool) ([]byte, error) {
	args := text
	if utf8 {
		args += utf8Suffix
	}
	// What would be read as another argument than it is, is refused.
	if got, flag, err := parseQuery(args); err != nil || flag != utf8 || got != text {
		return dst, &UnsafeError{v, "argument"}
	}
	dst = append(dst, v.String()...)
	dst = append(dst, ' ')
	dst = append(dst, args...)
	return append(dst, '\r', '\n'), nil
}

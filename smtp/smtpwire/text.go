package smtpwire

// The two verbs whose argument is free text that need not be there.

// Help is the HELP command: RFC 5321 section 4.1.1.8.
//
//	help = "HELP" [ SP String ] CRLF
type Help struct{ Text string }

// Parse parses what follows the verb and its blank.
func (c *Help) Parse(args string) error { return parseText(&c.Text, args) }

// Append appends the command line with its CRLF.
func (c *Help) Append(dst []byte) ([]byte, error) { return appendText(dst, HELP, c.Text) }

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Help) AppendPublic(dst []byte) []byte { return public(dst, HELP, c.Append) }

// Noop is the NOOP command: RFC 5321 section 4.1.1.9.
//
//	noop = "NOOP" [ SP String ] CRLF
type Noop struct{ Text string }

// Parse parses what follows the verb and its blank.
func (c *Noop) Parse(args string) error { return parseText(&c.Text, args) }

// Append appends the command line with its CRLF.
func (c *Noop) Append(dst []byte) ([]byte, error) { return appendText(dst, NOOP, c.Text) }

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Noop) AppendPublic(dst []byte) []byte { return public(dst, NOOP, c.Append) }

func parseText(dst *string, args string) error {
	if !isText(args) {
		return syntax(badArgument, "bad argument")
	}
	*dst = args
	return nil
}

func appendText(dst []byte, v Verb, text string) ([]byte, error) {
	if !isText(text) {
		return dst, &UnsafeError{v, "argument"}
	}
	dst = append(dst, v.String()...)
	if text != "" {
		dst = append(dst, ' ')
		dst = append(dst, text...)
	}
	return append(dst, '\r', '\n'), nil
}

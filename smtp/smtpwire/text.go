package smtpwire

// The three verbs whose argument is free text.

// Vrfy is the VRFY command: RFC 5321 section 4.1.1.6.
//
//	vrfy = "VRFY" SP String CRLF
type Vrfy struct{ Text string }

// Parse parses what follows the verb and its blank.
func (c *Vrfy) Parse(args string) error { return parseText(&c.Text, args, true) }

// Append appends the command line with its CRLF.
func (c *Vrfy) Append(dst []byte) ([]byte, error) { return appendText(dst, VRFY, c.Text, true) }

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Vrfy) AppendPublic(dst []byte) []byte { return public(dst, VRFY, c.Append) }

// Help is the HELP command: RFC 5321 section 4.1.1.8.
//
//	help = "HELP" [ SP String ] CRLF
type Help struct{ Text string }

// Parse parses what follows the verb and its blank.
func (c *Help) Parse(args string) error { return parseText(&c.Text, args, false) }

// Append appends the command line with its CRLF.
func (c *Help) Append(dst []byte) ([]byte, error) { return appendText(dst, HELP, c.Text, false) }

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Help) AppendPublic(dst []byte) []byte { return public(dst, HELP, c.Append) }

// Noop is the NOOP command: RFC 5321 section 4.1.1.9.
//
//	noop = "NOOP" [ SP String ] CRLF
type Noop struct{ Text string }

// Parse parses what follows the verb and its blank.
func (c *Noop) Parse(args string) error { return parseText(&c.Text, args, false) }

// Append appends the command line with its CRLF.
func (c *Noop) Append(dst []byte) ([]byte, error) { return appendText(dst, NOOP, c.Text, false) }

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Noop) AppendPublic(dst []byte) []byte { return public(dst, NOOP, c.Append) }

func parseText(dst *string, args string, required bool) error {
	if !isText(args) || required && args == "" {
		return syntax(badArgument, "bad argument")
	}
	*dst = args
	return nil
}

func appendText(dst []byte, v Verb, text string, required bool) ([]byte, error) {
	if !isText(text) || required && text == "" {
		return dst, &UnsafeError{v, "argument"}
	}
	dst = append(dst, v.String()...)
	if text != "" {
		dst = append(dst, ' ')
		dst = append(dst, text...)
	}
	return append(dst, '\r', '\n'), nil
}

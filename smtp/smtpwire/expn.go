package smtpwire

// Expn is the EXPN command: RFC 5321 section 4.1.1.7 and RFC 6531 section 3.7.4.2.
//
//	expn = "EXPN" SP String [ SP "SMTPUTF8" ] CRLF
type Expn struct {
	Text string // may be UTF-8
	UTF8 bool   // the reply may be UTF-8
}

// Parse parses what follows the verb and its blank.
func (c *Expn) Parse(args string) (err error) {
	c.Text, c.UTF8, err = parseQuery(args)
	return err
}

// Append appends the command line with its CRLF.
func (c *Expn) Append(dst []byte) ([]byte, error) { return appendQuery(dst, EXPN, c.Text, c.UTF8) }

// AppendPublic appends the command for a transcript, without its CRLF.
func (c *Expn) AppendPublic(dst []byte) []byte { return public(dst, EXPN, c.Append) }

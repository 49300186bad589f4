package smtpwire

// Rcpt is the RCPT command: RFC 5321 section 4.1.1.3.
//
//	rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
type Rcpt struct {
	To     Address // without a domain only for Postmaster
	Params []Param // in order
}

// Parse parses what follows the verb and its blank. It overwrites r, of which it
// keeps the memory of Params. The strings in r are views of args; nothing else is
// allocated unless text was quoted.
func (r *Rcpt) Parse(args string) error {
	*r = Rcpt{Params: r.Params[:0]}
	// RFC 5321 section 3.3: no blank may stand on either side of the colon.
	path, ok := cutPrefixFold(args, "TO:")
	if !ok {
		return syntax(badArgument, "RCPT TO:<address> expected")
	}
	to, rest, ok := scanForwardPath(path)
	switch {
	case has8bit(path):
		return &SyntaxError{Code: 553, Enhanced: needsUTF8, Text: "address is not ASCII"}
	case !ok || rest != "" && rest[0] != ' ':
		return syntax(badMailbox, "bad recipient address syntax")
	}
	r.To = to
	for rest != "" {
		p, next, ok := nextParam(rest)
		if !ok {
			return syntax(badArgument, "bad parameter syntax")
		}
		r.Params = append(r.Params, p)
		rest = next
	}
	return nil
}

// scanForwardPath reads a path that is not null, or <Postmaster>.
func scanForwardPath(s string) (a Address, rest string, ok bool) {
	const bare = "<POSTMASTER>"
	if rest, ok = cutPrefixFold(s, bare); ok {
		return Address{local: s[1 : len(bare)-1]}, rest, true
	}
	a, rest, ok = scanPath(s)
	return a, rest, ok && !a.IsZero()
}

// Append appends the command line with its CRLF. The null path is refused, and an
// address outside ASCII: SMTPUTF8 is not spoken here.
func (r *Rcpt) Append(dst []byte) ([]byte, error) {
	if r.To.domain == "" && !r.To.isPostmaster() || !r.To.IsASCII() {
		return dst, &UnsafeError{RCPT, "recipient"}
	}
	line := append(dst, "RCPT TO:"...)
	line = r.To.appendPath(line)
	for _, p := range r.Params {
		var err error
		if line, err = p.append(line, RCPT); err != nil {
			return dst, err
		}
	}
	return append(line, '\r', '\n'), nil
}

// AppendPublic appends the command for a transcript, without its CRLF.
func (r *Rcpt) AppendPublic(dst []byte) []byte { return public(dst, RCPT, r.Append) }

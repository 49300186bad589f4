package smtpwire

import "github.com/posthouse/posthouse/internal/ascii"

// Rcpt is the RCPT command: RFC 5321 section 4.1.1.3. The zero value of a parameter
// means that it is absent.
//
//	rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
type Rcpt struct {
	To         Address           // without a domain only for Postmaster
	Notify     Notify            // NOTIFY (RFC 3461)
	Original   OriginalRecipient // ORCPT (RFC 3461, RFC 6533)
	ValidSince ValidSince        // RRVS (RFC 7293)
	Params     []Param           // the other parameters, in order

	// UTF8 is no part of the command: the caller sets it, before Parse too, when MAIL
	// had the parameter SMTPUTF8. Without it only ASCII is allowed.
	UTF8 bool
}

// The parameters of RCPT that have a field of their own.
const (
	rcptNotify = iota
	rcptOriginal
	rcptValidSince
)

var rcptKeywords = []string{
	rcptNotify:     "NOTIFY",
	rcptOriginal:   "ORCPT",
	rcptValidSince: "RRVS",
}

// Parse parses what follows the verb and its blank. It overwrites r but UTF8, and keeps
// the memory of Params. The strings in r are views of args; nothing else is allocated
// unless text was quoted.
func (r *Rcpt) Parse(args string) error {
	*r = Rcpt{Params: r.Params[:0], UTF8: r.UTF8}
	// RFC 5321 section 3.3: no blank may stand on either side of the colon.
	path, ok := ascii.CutPrefixFold(args, "TO:")
	if !ok {
		return syntax(badArgument, "RCPT TO:<address> expected")
	}
	to, rest, ok := scanForwardPath(path)
	switch {
	case !ok || rest != "" && rest[0] != ' ':
		return syntax(badMailbox, "bad recipient address syntax")
	case !r.UTF8 && !to.IsASCII():
		// RFC 6531 section 3.5.
		return &SyntaxError{Code: 553, Enhanced: needsUTF8, Text: "address is not ASCII"}
	case !r.UTF8 && !isASCII(rest):
		return syntax(badArgument, "parameter is not ASCII")
	}
	r.To = to
	return r.parseParams(rest)
}

func (r *Rcpt) parseParams(rest string) error {
	var given uint // a bit for each keyword
	for rest != "" {
		p, next, ok := nextParam(rest)
		if !ok {
			return syntax(badArgument, "bad parameter syntax")
		}
		rest = next
		i := indexFold(rcptKeywords, p.Keyword)
		switch {
		case i < 0 && hasParam(r.Params, p.Keyword):
			return syntax(badArgument, "repeated parameter")
		case i < 0:
			r.Params = append(r.Params, p)
			continue
		case given&(1<<i) != 0 || !r.setParam(i, p.Value):
			return badParam(rcptKeywords[i])
		}
		given |= 1 << i
	}
	return nil
}

// setParam reports false when the value is wrong.
func (r *Rcpt) setParam(i int, value string) (ok bool) {
	switch i {
	case rcptNotify:
		r.Notify, ok = parseNotify(value)
	case rcptOriginal:
		r.Original = OriginalRecipient(value)
		ok = r.Original.valid()
	case rcptValidSince:
		r.ValidSince, ok = parseValidSince(value)
	}
	return ok
}

// scanForwardPath reads a path that is not null, or <Postmaster>.
func scanForwardPath(s string) (a Address, rest string, ok bool) {
	const bare = "<POSTMASTER>"
	if rest, ok = ascii.CutPrefixFold(s, bare); ok {
		return Address{local: s[1 : len(bare)-1]}, rest, true
	}
	a, rest, ok = scanPath(s)
	return a, rest, ok && !a.IsZero()
}

// Append appends the command line with its CRLF. The null path is refused, and an
// address outside ASCII unless UTF8 is set.
func (r *Rcpt) Append(dst []byte) ([]byte, error) {
	if r.To.domain == "" && !r.To.isPostmaster() || !r.UTF8 && !r.To.IsASCII() {
		return dst, &UnsafeError{RCPT, "recipient"}
	}
	line := append(dst, "RCPT TO:"...)
	line = r.To.appendPath(line)
	if r.Notify != 0 {
		if !r.Notify.valid() {
			return dst, &UnsafeError{RCPT, "NOTIFY"}
		}
		line = append(line, " NOTIFY="...)
		line = r.Notify.append(line)
	}
	if r.Original != "" {
		line = append(line, " ORCPT="...)
		var ok bool
		if line, ok = r.Original.append(line, r.UTF8); !ok {
			return dst, &UnsafeError{RCPT, "ORCPT"}
		}
	}
	if r.ValidSince != (ValidSince{}) {
		if !r.ValidSince.valid() {
			return dst, &UnsafeError{RCPT, "RRVS"}
		}
		line = append(line, " RRVS="...)
		line = r.ValidSince.append(line)
	}
	line, ok := appendParams(line, r.Params, rcptKeywords, r.UTF8)
	if !ok {
		return dst, &UnsafeError{RCPT, "parameter"}
	}
	return append(line, '\r', '\n'), nil
}

// AppendPublic appends the command for a transcript, without its CRLF.
func (r *Rcpt) AppendPublic(dst []byte) []byte { return public(dst, RCPT, r.Append) }

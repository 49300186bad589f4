package smtpwire

import "strconv"

// Body is the value of the BODY parameter of MAIL: RFC 6152.
type Body uint8

// The bodies. BodyUnspecified means that the parameter is absent.
const (
	BodyUnspecified Body = iota
	Body7Bit
	Body8BitMIME
)

// String returns the value as it is written; BodyUnspecified is "".
func (b Body) String() string {
	switch b {
	case Body7Bit:
		return "7BIT"
	case Body8BitMIME:
		return "8BITMIME"
	default:
		return ""
	}
}

// Mail is the MAIL command: RFC 5321 section 4.1.1.2.
//
//	mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
type Mail struct {
	From    Address // zero: the null reverse-path
	Size    int64   // SIZE, in octets (RFC 1870); -1: absent
	Body    Body
	Auth    string // AUTH, decoded (RFC 4954 section 5); "" is <>
	HasAuth bool
	Params  []Param // the other parameters, in order
}

// Parse parses what follows the verb and its blank. It overwrites m, of which it
// keeps the memory of Params. The strings in m are views of args; nothing else is
// allocated unless text was quoted or encoded.
func (m *Mail) Parse(args string) error {
	*m = Mail{Size: -1, Params: m.Params[:0]}
	// RFC 5321 section 3.3: no blank may stand on either side of the colon.
	path, ok := cutPrefixFold(args, "FROM:")
	if !ok {
		return syntax(badArgument, "MAIL FROM:<address> expected")
	}
	from, rest, ok := scanPath(path)
	switch {
	case has8bit(path):
		return &SyntaxError{Code: 553, Enhanced: needsUTF8, Text: "address is not ASCII"}
	case !ok:
		return syntax(badSender, "bad sender address syntax")
	}
	m.From = from
	return m.parseParams(rest)
}

func (m *Mail) parseParams(rest string) error {
	if rest != "" && rest[0] != ' ' {
		return syntax(badSender, "bad sender address syntax")
	}
	for rest != "" {
		p, next, ok := nextParam(rest)
		if !ok {
			return syntax(badArgument, "bad parameter syntax")
		}
		if !m.setParam(p) {
			return syntax(badArgument, "bad or repeated parameter")
		}
		rest = next
	}
	return nil
}

// setParam reports false when the value is wrong, or the parameter there already.
func (m *Mail) setParam(p Param) (ok bool) {
	switch {
	case p.Is("SIZE"):
		if m.Size >= 0 {
			return false
		}
		m.Size, ok = parseSize(p.Value)
		return ok
	case p.Is("BODY"):
		if m.Body != BodyUnspecified {
			return false
		}
		switch {
		case equalFold(p.Value, "7BIT"):
			m.Body = Body7Bit
		case equalFold(p.Value, "8BITMIME"):
			m.Body = Body8BitMIME
		}
		return m.Body != BodyUnspecified
	case p.Is("AUTH"):
		if m.HasAuth || p.Value == "" {
			return false
		}
		m.HasAuth = true
		m.Auth, ok = parseAuthParam(p.Value)
		return ok
	}
	for _, q := range m.Params {
		if equalFold(toUpper(q.Keyword), toUpper(p.Keyword)) {
			return false
		}
	}
	m.Params = append(m.Params, p)
	return true
}

// parseAuthParam decodes the value of AUTH: an address in xtext, or "<>".
func parseAuthParam(value string) (text string, ok bool) {
	if value == "<>" {
		return "", true
	}
	if text, ok = ParseXtext(value); !ok {
		return "", false
	}
	a, err := ParseAddress(text)
	return text, err == nil && a.IsASCII()
}

// Append appends the command line with its CRLF. An address outside ASCII is
// refused: SMTPUTF8 is not spoken here.
func (m *Mail) Append(dst []byte) ([]byte, error) {
	if !m.From.IsASCII() || m.From.local != "" && m.From.domain == "" {
		return dst, &UnsafeError{MAIL, "sender"}
	}
	line := append(dst, "MAIL FROM:"...)
	line = m.From.appendPath(line)
	if m.Size >= 0 {
		line = append(line, " SIZE="...)
		line = strconv.AppendInt(line, m.Size, 10)
	}
	if m.Body > Body8BitMIME {
		return dst, &UnsafeError{MAIL, "BODY"}
	}
	if m.Body != BodyUnspecified {
		line = append(line, " BODY="...)
		line = append(line, m.Body.String()...)
	}
	if m.HasAuth {
		line = append(line, " AUTH="...)
		if m.Auth == "" {
			line = append(line, "<>"...)
		} else if a, err := ParseAddress(m.Auth); err != nil || !a.IsASCII() {
			return dst, &UnsafeError{MAIL, "AUTH"}
		}
		line = AppendXtext(line, m.Auth)
	}
	for _, p := range m.Params {
		var err error
		if line, err = p.append(line, MAIL); err != nil {
			return dst, err
		}
	}
	return append(line, '\r', '\n'), nil
}

// AppendPublic appends the command for a transcript, without its CRLF.
func (m *Mail) AppendPublic(dst []byte) []byte { return public(dst, MAIL, m.Append) }

package smtpwire

import "github.com/posthouse/posthouse/internal/ascii"

// Mail is the MAIL command: RFC 5321 section 4.1.1.2. The zero value of a parameter
// means that it is absent; only Size, of which 0 is a value, has -1 for that.
//
//	mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
type Mail struct {
	From        Address    // zero: the null reverse-path
	Size        int64      // SIZE, in octets (RFC 1870); -1: absent
	Body        Body       // BODY (RFC 6152, RFC 3030)
	UTF8        bool       // SMTPUTF8 (RFC 6531)
	RequireTLS  bool       // REQUIRETLS (RFC 8689)
	PRDR        bool       // a reply for each recipient is asked for (draft-hall-prdr)
	Auth        Address    // AUTH (RFC 4954 section 5)
	HasAuth     bool       // tells AUTH=<> from none
	Return      Return     // RET (RFC 3461)
	EnvelopeID  EnvelopeID // ENVID (RFC 3461)
	DeliverBy   DeliverBy  // BY (RFC 2852)
	Priority    int        // MT-PRIORITY, from -9 to 9 (RFC 6710)
	HasPriority bool       // tells MT-PRIORITY=0 from none
	HoldFor     int        // HOLDFOR, in seconds (RFC 4865)
	HoldUntil   Timestamp  // HOLDUNTIL (RFC 4865)
	Params      []Param    // the other parameters, in order
}

// The parameters of MAIL that have a field of their own.
const (
	mailSize = iota
	mailBody
	mailUTF8
	mailRequireTLS
	mailPRDR
	mailAuth
	mailReturn
	mailEnvelopeID
	mailDeliverBy
	mailPriority
	mailHoldFor
	mailHoldUntil
)

var mailKeywords = []string{
	mailSize:       "SIZE",
	mailBody:       "BODY",
	mailUTF8:       "SMTPUTF8",
	mailRequireTLS: "REQUIRETLS",
	mailPRDR:       "PRDR",
	mailAuth:       "AUTH",
	mailReturn:     "RET",
	mailEnvelopeID: "ENVID",
	mailDeliverBy:  "BY",
	mailPriority:   "MT-PRIORITY",
	mailHoldFor:    "HOLDFOR",
	mailHoldUntil:  "HOLDUNTIL",
}

// Parse parses what follows the verb and its blank. It overwrites m, of which it
// keeps the memory of Params. The strings in m are views of args; nothing else is
// allocated unless text was quoted or encoded.
//
// Text in UTF-8 needs the parameter SMTPUTF8; an address without it is answered as
// RFC 6531 section 3.5 says.
func (m *Mail) Parse(args string) error {
	*m = Mail{Size: -1, Params: m.Params[:0]}
	// RFC 5321 section 3.3: no blank may stand on either side of the colon.
	path, ok := ascii.CutPrefixFold(args, "FROM:")
	if !ok {
		return syntax(badArgument, "MAIL FROM:<address> expected")
	}
	from, rest, ok := scanPath(path)
	if !ok || rest != "" && rest[0] != ' ' {
		return syntax(badSender, "bad sender address syntax")
	}
	m.From = from
	if err := m.parseParams(rest); err != nil {
		return err
	}
	switch {
	case m.UTF8:
		return nil
	case !from.IsASCII() || !m.Auth.IsASCII():
		return &SyntaxError{Code: 550, Enhanced: needsUTF8, Text: "address is not ASCII"}
	case !isASCII(rest):
		return syntax(badArgument, "parameter is not ASCII")
	}
	return nil
}

func (m *Mail) parseParams(rest string) error {
	var given uint // a bit for each keyword
	for rest != "" {
		p, next, ok := nextParam(rest)
		if !ok {
			return syntax(badArgument, "bad parameter syntax")
		}
		rest = next
		i := indexFold(mailKeywords, p.Keyword)
		switch {
		case i < 0 && hasParam(m.Params, p.Keyword):
			return syntax(badArgument, "repeated parameter")
		case i < 0:
			m.Params = append(m.Params, p)
			continue
		case given&(1<<i) != 0 || !m.setParam(i, p.Value):
			return badParam(mailKeywords[i])
		}
		given |= 1 << i
	}
	const holds = 1<<mailHoldFor | 1<<mailHoldUntil
	if given&holds == holds {
		// RFC 4865 section 4.2: one of both.
		return badParam(mailKeywords[mailHoldUntil])
	}
	return nil
}

// setParam reports false when the value is wrong.
func (m *Mail) setParam(i int, value string) (ok bool) {
	switch i {
	case mailSize:
		m.Size, ok = parseSize(value)
	case mailBody:
		m.Body, ok = parseBody(value)
	case mailUTF8:
		m.UTF8, ok = true, value == ""
	case mailRequireTLS:
		m.RequireTLS, ok = true, value == ""
	case mailPRDR:
		m.PRDR, ok = true, value == ""
	case mailAuth:
		m.HasAuth = true
		m.Auth, ok = parseAuthParam(value)
	case mailReturn:
		m.Return, ok = parseReturn(value)
	case mailEnvelopeID:
		m.EnvelopeID = EnvelopeID(value)
		ok = m.EnvelopeID.valid()
	case mailDeliverBy:
		m.DeliverBy, ok = parseDeliverBy(value)
	case mailPriority:
		m.HasPriority = true
		m.Priority, ok = parsePriority(value)
	case mailHoldFor:
		m.HoldFor, ok = parseSeconds(value)
		ok = ok && m.HoldFor > 0
	case mailHoldUntil:
		m.HoldUntil = Timestamp(value)
		ok = m.HoldUntil.isUTC()
	}
	return ok
}

// Append appends the command line with its CRLF. Text outside ASCII is refused unless
// UTF8 is set.
func (m *Mail) Append(dst []byte) ([]byte, error) {
	if !m.From.IsASCII() && !m.UTF8 || m.From.local != "" && m.From.domain == "" {
		return dst, &UnsafeError{MAIL, "sender"}
	}
	line := append(dst, "MAIL FROM:"...)
	line = m.From.appendPath(line)
	for i, keyword := range mailKeywords {
		if !m.has(i) {
			continue
		}
		line = append(line, ' ')
		line = append(line, keyword...)
		var ok bool
		if line, ok = m.appendValue(line, i); !ok {
			return dst, &UnsafeError{MAIL, keyword}
		}
	}
	line, ok := appendParams(line, m.Params, mailKeywords, m.UTF8)
	if !ok {
		return dst, &UnsafeError{MAIL, "parameter"}
	}
	return append(line, '\r', '\n'), nil
}

func (m *Mail) has(i int) bool {
	switch i {
	case mailSize:
		return m.Size >= 0
	case mailBody:
		return m.Body != BodyUnspecified
	case mailUTF8:
		return m.UTF8
	case mailRequireTLS:
		return m.RequireTLS
	case mailPRDR:
		return m.PRDR
	case mailAuth:
		return m.HasAuth || !m.Auth.IsZero()
	case mailReturn:
		return m.Return != ReturnUnspecified
	case mailEnvelopeID:
		return m.EnvelopeID != ""
	case mailDeliverBy:
		return m.DeliverBy != DeliverBy{}
	case mailPriority:
		return m.HasPriority || m.Priority != 0
	case mailHoldFor:
		return m.HoldFor != 0
	case mailHoldUntil:
		return m.HoldUntil != ""
	}
	return false
}

// appendValue appends the equals sign and the value of a parameter that has one.
func (m *Mail) appendValue(dst []byte, i int) (line []byte, ok bool) {
	switch i {
	case mailUTF8, mailRequireTLS, mailPRDR:
		return dst, true
	}
	dst = append(dst, '=')
	switch i {
	case mailSize:
		return appendInt(dst, m.Size), true
	case mailBody:
		return append(dst, m.Body.String()...), m.Body.String() != ""
	case mailAuth:
		return appendAuthParam(dst, m.Auth), m.UTF8 || m.Auth.IsASCII()
	case mailReturn:
		return append(dst, m.Return.String()...), m.Return.String() != ""
	case mailEnvelopeID:
		return append(dst, m.EnvelopeID...), m.EnvelopeID.valid()
	case mailDeliverBy:
		return m.DeliverBy.append(dst), m.DeliverBy.valid()
	case mailPriority:
		return appendInt(dst, int64(m.Priority)), validPriority(m.Priority)
	case mailHoldFor:
		return appendInt(dst, int64(m.HoldFor)), 0 < m.HoldFor && m.HoldFor <= maxSeconds && m.HoldUntil == ""
	case mailHoldUntil:
		return append(dst, m.HoldUntil...), m.HoldUntil.isUTC()
	}
	return dst, false
}

// AppendPublic appends the command for a transcript, without its CRLF.
func (m *Mail) AppendPublic(dst []byte) []byte { return public(dst, MAIL, m.Append) }

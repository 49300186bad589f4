package smtpwire

// maxEnvelopeID is the length of the longest envelope identifier: RFC 3461 section 4.4.
const maxEnvelopeID = 100

// EnvelopeID is the value of the ENVID parameter of MAIL, as it is written: text in
// xtext. It is kept so because RFC 3461 section 5.2.1 wants it relayed unchanged. ""
// means that the parameter is absent.
//
//	envid-parameter = "ENVID=" xtext
type EnvelopeID string

// NewEnvelopeID encodes text. An identifier that could not be sent is refused by
// [Mail.Append].
func NewEnvelopeID(text string) EnvelopeID { return EnvelopeID(AppendXtext(nil, text)) }

// Text returns the identifier decoded; "" if it is not xtext.
func (id EnvelopeID) Text() string {
	text, _ := ParseXtext(string(id))
	return text
}

// valid reports whether id can stand in a command: RFC 3461 section 4.4 has it consist
// of printable ASCII.
func (id EnvelopeID) valid() bool {
	return id != "" && len(id) <= maxEnvelopeID && isXtextOf(string(id), isText)
}

package smtpwire

// Return is the value of the RET parameter of MAIL: what of the message a report of
// failure gives back. RFC 3461 section 4.3.
type Return uint8

// The values. ReturnUnspecified means that the parameter is absent.
const (
	ReturnUnspecified Return = iota
	ReturnFull
	ReturnHeaders
)

var returnNames = []string{"", "FULL", "HDRS"}

// String returns the value as it is written; ReturnUnspecified is "".
func (r Return) String() string { return nameOf(returnNames, r) }

// parseReturn reads the value.
//
//	ret-value = "FULL" / "HDRS"
func parseReturn(value string) (Return, bool) { return parseName[Return](returnNames, value) }

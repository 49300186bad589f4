package smtpwire

// Body is the value of the BODY parameter of MAIL: RFC 6152 and RFC 3030.
type Body uint8

// The bodies. BodyUnspecified means that the parameter is absent.
const (
	BodyUnspecified Body = iota
	Body7Bit
	Body8BitMIME
	BodyBinaryMIME
)

var bodyNames = []string{"", "7BIT", "8BITMIME", "BINARYMIME"}

// String returns the value as it is written; BodyUnspecified is "".
func (b Body) String() string { return nameOf(bodyNames, b) }

// parseBody reads the value.
//
//	body-value = "7BIT" / "8BITMIME" / "BINARYMIME"
func parseBody(value string) (Body, bool) { return parseName[Body](bodyNames, value) }

// nameOf returns the name of v, "" of what has none.
func nameOf[T ~uint8](names []string, v T) string {
	if int(v) >= len(names) {
		return ""
	}
	return names[v]
}

// parseName finds the value that has a name, in either case. The zero value has none.
func parseName[T ~uint8](names []string, s string) (v T, ok bool) {
	i := indexFold(names[1:], s)
	return T(i + 1), i >= 0
}

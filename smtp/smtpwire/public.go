package smtpwire

import (
	"strconv"

	"github.com/posthouse/posthouse/internal/ascii"
)

// AppendPublic appends what a transcript may show of a command line that a peer
// sent, given without its CRLF. Of AUTH only the mechanism is shown, and of a line
// whose verb is not known only its length, since it may be an answer in an
// authentication exchange that went astray. The lines within such an exchange must not
// come here at all.
func AppendPublic(dst, line []byte) []byte {
	v, args := SplitVerb(line)
	switch v {
	case Unknown:
		dst = append(dst, "(not a command: "...)
		dst = strconv.AppendInt(dst, int64(len(line)), 10)
		return append(dst, " octets)"...)
	case AUTH:
		dst = append(dst, "AUTH"...)
		n := 0
		for n < len(args) && args[n] != ' ' {
			n++
		}
		if !isMechanism(ascii.ToUpper(string(args[:n]))) {
			return append(dst, " ***"...)
		}
		dst = append(dst, ' ')
		dst = append(dst, args[:n]...)
		if n < len(args) {
			dst = append(dst, " ***"...)
		}
		return dst
	}
	return append(dst, line...)
}

// public appends the line that write makes, without its CRLF; of a command that
// cannot be written, the verb.
func public(dst []byte, v Verb, write func([]byte) ([]byte, error)) []byte {
	line, err := write(dst)
	if err != nil {
		return v.AppendPublic(dst)
	}
	return line[:len(line)-len("\r\n")]
}

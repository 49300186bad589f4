package message

import "strings"

// lineEnd finds the end of the first line of text, and where the next begins: behind LF
// or CRLF. They are the same at the end of text.
func lineEnd(text string) (end, next int) {
	i := strings.IndexByte(text, '\n')
	switch {
	case i < 0:
		return len(text), len(text)
	case i > 0 && text[i-1] == '\r':
		return i - 1, i + 1
	default:
		return i, i + 1
	}
}

// survey is what one pass over a text finds.
type survey struct {
	ascii   bool // no octet above 127
	clean   bool // fit to be sent as it is, and to arrive so
	escapes int  // octets that quoted-printable must escape
}

// surveyText reads a text once. Clean is printable ASCII in lines of no more than 78
// octets (RFC 5322 section 2.1.1), none of which ends in a blank or begins with "From
// ": relays and mail stores leave such text alone.
func surveyText(text string) survey {
	s := survey{ascii: true, clean: true}
	for text != "" {
		end, next := lineEnd(text)
		line := text[:end]
		text = text[next:]
		for i := range len(line) {
			c := line[i]
			if !qpSafe[c] {
				s.escapes++
				if c != '=' {
					s.clean = false
				}
				s.ascii = s.ascii && c < 0x80
			}
		}
		if len(line) > foldAt+2 || qpFrom(line) || line != "" && isWSP(line[len(line)-1]) {
			s.clean = false
		}
	}
	return s
}

// encoding chooses how a text of n octets is sent: as it is if it is clean, or in the
// encoding that is shorter. ASCII in base64 is only met in mail that has something to
// hide.
func (s survey) encoding(n int) Encoding {
	switch {
	case s.clean:
		return Encoding7Bit
	case s.ascii || n+2*s.escapes <= n/3*4:
		return EncodingQuotedPrintable
	default:
		return EncodingBase64
	}
}

package maildir

import "math"

// maxHeader is how far a header is looked at.
const maxHeader = 1 << 20

// headerScan finds out whether the header of a message is of UTF-8 beyond ASCII. One
// with octets that are not UTF-8 is not: that is mail of other times.
type headerScan struct {
	seen    int  // octets so far; math.MaxInt behind the header
	inLine  bool // the line has an octet other than CR
	high    bool // there were octets beyond ASCII
	invalid bool // and they were no UTF-8
	more    int  // octets that a character still needs
}

// scan looks at the next octets of the message.
func (h *headerScan) scan(p []byte) {
	for i := 0; i < len(p) && h.seen < maxHeader; i++ {
		h.seen++
		c := p[i]
		h.octet(c)
		switch {
		case c != '\n':
			h.inLine = h.inLine || c != '\r'
		case h.inLine:
			h.inLine = false
		default:
			h.seen = math.MaxInt
			return
		}
	}
}

// octet follows the structure of UTF-8.
func (h *headerScan) octet(c byte) {
	switch {
	case c < 0x80:
		h.invalid = h.invalid || h.more > 0
		h.more = 0
	case h.more > 0 && c < 0xC0:
		h.more--
	case h.more > 0 || c < 0xC2 || c > 0xF4:
		h.invalid = true
	case c >= 0xF0:
		h.more = 3
	case c >= 0xE0:
		h.more = 2
	default:
		h.more = 1
	}
	h.high = h.high || c >= 0x80
}

func (h *headerScan) utf8() bool { return h.high && !h.invalid && h.more == 0 }

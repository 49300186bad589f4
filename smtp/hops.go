package smtp

import (
	"bytes"
	"errors"

	"github.com/posthouse/posthouse/internal/ascii"
)

// ErrTooManyHops is what reading a body with more Received fields than [Server.MaxHops]
// returns: such a message goes round in circles, RFC 5321 section 6.3.
var ErrTooManyHops = errors.New("smtp: message has too many Received fields")

// hops counts the Received fields of a message while its octets pass. The zero value is at
// the beginning of one. Behind the header it costs nothing.
type hops struct {
	count int
	at    int  // how much of the name has matched in the line that is read; -1: it is another
	begun bool // that line has an octet besides its end
	past  bool // the header has ended
}

const receivedName = "RECEIVED:"

// pass looks at the next octets of the message.
func (h *hops) pass(p []byte) {
	for len(p) > 0 && !h.past {
		if h.at < 0 {
			// The rest of a line that is something else, or was counted already.
			i := bytes.IndexByte(p, '\n')
			if i < 0 {
				return
			}
			p = p[i+1:]
			h.at, h.begun = 0, false
			continue
		}
		c := p[0]
		p = p[1:]
		switch {
		case c == '\n':
			// A line that is not longer than its end ends the header.
			h.past = !h.begun
			h.at, h.begun = 0, false
		case c == '\r' && !h.begun:
		default:
			h.begun = true
			h.match(c)
		}
	}
}

// match compares the next octet of a line with the name of the field. Blanks between the
// name and the colon are those of the obsolete syntax, RFC 5322 section 4.5.
func (h *hops) match(c byte) {
	c = ascii.Upper(c)
	switch {
	case c == receivedName[h.at]:
		h.at++
	case h.at == len(receivedName)-1 && (c == ' ' || c == '\t'):
		return
	default:
		h.at = -1
	}
	if h.at == len(receivedName) {
		h.count++
		h.at = -1
	}
}

package smtpwire

import (
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// maxSeconds is the longest time that BY and HOLDFOR can state.
const maxSeconds = 999_999_999

// DeliverBy is the value of the BY parameter of MAIL: RFC 2852 section 4. The zero
// value means that it is absent.
type DeliverBy struct {
	Seconds int    // within which the message is to be delivered; negative: it should have been
	Mode    ByMode // what to do when it cannot be
	Trace   bool   // reports of relaying are wanted
}

// ByMode says what becomes of a message that could not be delivered in time.
type ByMode uint8

// The modes. ByUnspecified is that of the zero DeliverBy only.
const (
	ByUnspecified ByMode = iota
	ByNotify             // go on, and tell the sender
	ByReturn             // give up, and return the message
)

var byModeNames = []string{"", "N", "R"}

// String returns the mode as it is written; ByUnspecified is "".
func (m ByMode) String() string { return nameOf(byModeNames, m) }

// parseDeliverBy reads the value.
//
//	by-value = by-time";"by-mode[by-trace]
//	by-time  = ["-" / "+"]1*9digit
//	by-mode  = "N" / "R"
//	by-trace = "T"
func parseDeliverBy(value string) (by DeliverBy, ok bool) {
	number, mode, ok := strings.Cut(value, ";")
	if !ok || mode == "" {
		return DeliverBy{}, false
	}
	if by.Mode, ok = parseName[ByMode](byModeNames, mode[:1]); !ok {
		return DeliverBy{}, false
	}
	if by.Trace = ascii.EqualFold(mode[1:], "T"); !by.Trace && mode[1:] != "" {
		return DeliverBy{}, false
	}
	digits, negative := strings.CutPrefix(number, "-")
	if !negative {
		digits = strings.TrimPrefix(number, "+")
	}
	if by.Seconds, ok = parseSeconds(digits); !ok {
		return DeliverBy{}, false
	}
	if negative {
		by.Seconds = -by.Seconds
	}
	return by, by.valid()
}

// valid reports whether by can stand in a command. RFC 2852 section 4: a message that
// is to be returned cannot be late already.
func (by DeliverBy) valid() bool {
	switch by.Mode {
	case ByNotify:
		return -maxSeconds <= by.Seconds && by.Seconds <= maxSeconds
	case ByReturn:
		return 0 < by.Seconds && by.Seconds <= maxSeconds
	default:
		return false
	}
}

func (by DeliverBy) append(dst []byte) []byte {
	dst = appendInt(dst, int64(by.Seconds))
	dst = append(dst, ';')
	dst = append(dst, by.Mode.String()...)
	if by.Trace {
		dst = append(dst, 'T')
	}
	return dst
}

// parseSeconds reads 1*9DIGIT.
func parseSeconds(s string) (seconds int, ok bool) {
	if s == "" || len(s) > 9 || !allOf(s, classDigit) {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		seconds = seconds*10 + int(s[i]-'0')
	}
	return seconds, true
}

package smtpwire

import (
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Timestamp is a date and time as RFC 3339 writes it, e.g. 2026-11-25T22:00:00Z; ""
// means that there is none. It is text because this package knows no clock; see
// time.RFC3339. A second of 60, which stands for a leap second, is allowed.
type Timestamp string

// valid reports whether t is a date-time, and what comes behind its seconds.
//
//	date-time = full-date "T" partial-time time-offset
//	full-date = 4DIGIT "-" 2DIGIT "-" 2DIGIT
func (t Timestamp) valid() (behind string, ok bool) {
	const form = "0000-00-00T00:00:00"
	s := string(t)
	if len(s) < len(form) {
		return "", false
	}
	for i := 0; i < len(form); i++ {
		switch form[i] {
		case '0':
			ok = is(s[i], classDigit)
		default:
			ok = ascii.Upper(s[i]) == form[i]
		}
		if !ok {
			return "", false
		}
	}
	year := two(s[0:])*100 + two(s[2:])
	month, day := two(s[5:]), two(s[8:])
	ok = 1 <= month && month <= 12 && 1 <= day && day <= daysIn(month, year) &&
		two(s[11:]) < 24 && two(s[14:]) < 60 && two(s[17:]) <= 60
	return s[len(form):], ok
}

// isUTC reports whether t is in UTC, as RFC 4865 section 3 wants it.
func (t Timestamp) isUTC() bool {
	behind, ok := t.valid()
	return ok && ascii.EqualFold(skipFraction(behind), "Z")
}

// isWhole reports whether t is without fractions of a second, as RFC 7293 section 3.1
// wants it.
func (t Timestamp) isWhole() bool {
	behind, ok := t.valid()
	return ok && isOffset(behind)
}

// skipFraction takes time-secfrac off the front of s.
//
//	time-secfrac = "." 1*DIGIT
func skipFraction(s string) string {
	rest, ok := strings.CutPrefix(s, ".")
	if !ok {
		return s
	}
	n := 0
	for n < len(rest) && is(rest[n], classDigit) {
		n++
	}
	if n == 0 || n > 9 {
		return s
	}
	return rest[n:]
}

// isOffset checks time-offset.
//
//	time-offset = "Z" / ("+" / "-") 2DIGIT ":" 2DIGIT
func isOffset(s string) bool {
	if ascii.EqualFold(s, "Z") {
		return true
	}
	return len(s) == len("+00:00") && (s[0] == '+' || s[0] == '-') && s[3] == ':' &&
		allOf(s[1:3], classDigit) && allOf(s[4:6], classDigit) && two(s[1:]) < 24 && two(s[4:]) < 60
}

// two reads two digits.
func two(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

func daysIn(month, year int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

package message

import (
	"errors"
	"strings"
	"time"
)

// ErrNoDate is the error of Header.Date when there is no Date field.
var ErrNoDate = errors.New("message: no date")

var errBadDate = errors.New("message: bad date")

// ParseDate reads a date and time in the form of RFC 5322 section 3.3, in
// its obsolete forms (section 4.3), and in forms met besides: with the name of the
// month in full, with the year behind the time as C's asctime writes it, with
// hyphens between day, month and year, without a zone, and the form of RFC 3339.
//
// A zone that is missing, unknown or "-0000" gives a time in UTC.
func ParseDate(s string) (time.Time, error) {
	s = trimFWS(s)
	if len(s) >= len("2006-01-02T15:04:05Z") && s[4] == '-' {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t, nil
		}
	}
	d := dateReader{year: -1}
	if !d.read(s) {
		return time.Time{}, errBadDate
	}
	return d.time()
}

// dateReader gathers the pieces of a date in the order they come in.
type dateReader struct {
	day, month, year     int
	hour, minute, second int
	timed                bool // the time of day was read
	named, zoned         bool // a zone was read, by its name or as an offset
	zone                 int  // seconds east of UTC
}

// read takes s apart into words: runs of letters, of digits, and clock times.
func (d *dateReader) read(s string) bool {
	for i := skipCFWS(s, 0); i < len(s); i = skipCFWS(s, i) {
		start := i
		switch c := s[i]; {
		case c == ',' || c == '.':
			i++
			continue
		case (c == '+' || c == '-') && d.timed && !d.zoned:
			if i = d.offset(s, i); i < 0 {
				return false
			}
			continue
		case c == '-' || c == '/':
			i++
			continue
		case isDigit(c):
			for i < len(s) && (isDigit(s[i]) || s[i] == ':' || s[i] == '.') {
				i++
			}
			if !d.number(strings.TrimRight(s[start:i], ".")) {
				return false
			}
			continue
		}
		for i < len(s) && isLetter(s[i]) {
			i++
		}
		if i == start || !d.word(toLower(s[start:i])) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { c = lower(c); return 'a' <= c && c <= 'z' }

// number takes a clock time, the day, or the year, whichever comes.
func (d *dateReader) number(s string) bool {
	switch {
	case strings.Contains(s, ":"):
		return d.clock(s)
	case d.day == 0 && len(s) <= 2:
		n, ok := digits(s)
		d.day = n
		return ok
	case d.year < 0:
		n, ok := digits(s)
		if !ok || len(s) > 4 || len(s) < 2 {
			return false
		}
		// RFC 5322 section 4.3: what two and three digits mean.
		switch {
		case len(s) == 2 && n < 50:
			n += 2000
		case len(s) <= 3:
			n += 1900
		}
		d.year = n
		return true
	}
	return false
}

// clock takes the time of day. Seconds may have a fraction, which is dropped.
//
//	time-of-day = hour ":" minute [ ":" second ]
func (d *dateReader) clock(s string) bool {
	if d.timed {
		return false
	}
	d.timed = true
	h, rest, _ := strings.Cut(s, ":")
	m, sec, _ := strings.Cut(rest, ":")
	sec, _, _ = strings.Cut(sec, ".")
	var ok [3]bool
	d.hour, ok[0] = digits(h)
	d.minute, ok[1] = digits(m)
	d.second, ok[2] = 0, true
	if sec != "" {
		d.second, ok[2] = digits(sec)
	}
	return ok[0] && ok[1] && ok[2]
}

// digits reads a number of one to four digits.
func digits(s string) (n int, ok bool) {
	if len(s) == 0 || len(s) > 4 {
		return 0, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = 10*n + int(s[i]-'0')
	}
	return n, true
}

// offset takes the zone at s[i] and returns the index behind it, -1 if it is none.
//
//	zone = (FWS ( "+" / "-" ) 4DIGIT)
func (d *dateReader) offset(s string, i int) int {
	negative := s[i] == '-'
	i++
	var n, count int
	for i < len(s) && (isDigit(s[i]) || s[i] == ':' && count == 2) {
		if s[i] != ':' {
			n = 10*n + int(s[i]-'0')
			count++
		}
		i++
	}
	switch count {
	case 2:
		n *= 100
	case 3, 4:
	default:
		return -1
	}
	hours, minutes := n/100, n%100
	if hours > 23 || minutes > 59 {
		return -1
	}
	d.zoned = true
	d.zone = hours*3600 + minutes*60
	if negative {
		d.zone = -d.zone
	}
	return i
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// word takes the name of a day, a month or a zone, in lower case.
func (d *dateReader) word(w string) bool {
	if d.month == 0 && len(w) >= 3 {
		if n := strings.Index(monthNames, w[:3]); n >= 0 && n%3 == 0 {
			d.month = n/3 + 1
			return true
		}
	}
	if !d.timed {
		// The name of a day says nothing that the date does not, and is
		// met in many languages.
		return d.day == 0 || isDayName(w)
	}
	switch {
	case w == "pm" && d.hour < 12:
		d.hour += 12
	case w == "am", w == "pm":
		if w == "am" && d.hour == 12 {
			d.hour = 0
		}
	case !d.named && !d.zoned:
		d.named, d.zone = true, namedZone(w)
	}
	return true
}

func isDayName(w string) bool {
	switch w[:min(3, len(w))] {
	case "mon", "tue", "wed", "thu", "fri", "sat", "sun":
		return true
	}
	return false
}

// namedZone returns the seconds east of UTC of a zone by its name. Those that
// are not known, military letters among them since RFC 822 got their signs
// wrong, are as good as "-0000" (RFC 5322 section 4.3).
func namedZone(w string) int {
	switch w {
	case "edt":
		return -4 * 3600
	case "est", "cdt":
		return -5 * 3600
	case "cst", "mdt":
		return -6 * 3600
	case "mst", "pdt":
		return -7 * 3600
	case "pst":
		return -8 * 3600
	}
	return 0
}

// time puts the pieces together. A leap second counts as the second behind it.
func (d *dateReader) time() (time.Time, error) {
	if d.day < 1 || d.month == 0 || d.year < 0 || d.hour > 23 || d.minute > 59 || d.second > 60 {
		return time.Time{}, errBadDate
	}
	month := time.Month(d.month)
	if time.Date(d.year, month, d.day, 0, 0, 0, 0, time.UTC).Day() != d.day {
		return time.Time{}, errBadDate
	}
	loc := time.UTC
	if d.zone != 0 {
		loc = time.FixedZone("", d.zone)
	}
	return time.Date(d.year, month, d.day, d.hour, d.minute, d.second, 0, loc), nil
}

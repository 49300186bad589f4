package message

import (
	"errors"
	"strings"
	"time"

	"github.com/posthouse/posthouse/internal/ascii"
)

// ErrNoDate is the error of Header.Date when there is no Date field.
var ErrNoDate = errors.New("message: no date")

var errBadDate = errors.New("message: bad date")

// ParseDate reads a date and time in the form of RFC 5322 section 3.3, in
// its obsolete forms (RFC 5322 section 4.3), and in forms met besides: with the name
// of the month in full, with the year behind the time as C's asctime writes it, with
// hyphens between day, month and year, without a zone, and the form of RFC 3339, also
// with slashes, with a blank between date and time or without a zone.
//
// A zone that is missing, unknown, impossible or "-0000" gives a time in UTC. What
// stands behind all of a date is passed over.
func ParseDate(s string) (time.Time, error) {
	d := dateReader{year: -1}
	if !d.read(d.calendar(trimFWS(s))) {
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

// calendar takes the year, month and day that s begins with in the order of RFC 3339,
// and returns what is behind them; all of s if it does not begin so.
//
//	full-date = date-fullyear "-" date-month "-" date-mday
func (d *dateReader) calendar(s string) string {
	const form = "2026-07-06"
	if len(s) < len(form) || s[4] != s[7] || s[4] != '-' && s[4] != '/' {
		return s
	}
	year, a := digitsAt(s, 0)
	month, b := digitsAt(s, 5)
	day, c := digitsAt(s, 8)
	if a != 4 || b != 7 || c != len(form) || month > 12 {
		return s
	}
	d.year, d.month, d.day = year, month, day
	return strings.TrimLeft(s[c:], "Tt")
}

// read takes s apart into words: runs of letters, numbers, and clock times.
func (d *dateReader) read(s string) bool {
	for i := skipCFWS(s, 0); i < len(s); i = skipCFWS(s, i) {
		switch c := s[i]; {
		case isDigit(c):
			i = d.digits(s, i)
		case isLetter(c) || c >= 0x80:
			i = d.letters(s, i)
		case (c == '+' || c == '-') && d.timed && !d.zoned:
			i = d.offset(s, i)
		case c == ',' || c == '.' || c == '-' || c == '/':
			i++
		default:
			return d.complete()
		}
		if i < 0 {
			return d.complete() && d.zoned
		}
	}
	return true
}

// complete reports whether all of a date was read but its zone, which may be missing:
// what is behind it does no harm.
func (d *dateReader) complete() bool {
	return d.day > 0 && d.month > 0 && d.year >= 0 && d.timed
}

// digits takes what begins with the digits at s[i] and returns the index behind it, -1
// if that has no place in a date.
func (d *dateReader) digits(s string, i int) int {
	n, end := digitsAt(s, i)
	if next := skipCFWS(s, end); next < len(s) && s[next] == ':' {
		return d.clock(s, n, next+1)
	}
	if !d.number(n, end-i) {
		return -1
	}
	return end
}

// letters takes the word at s[i] and returns the index behind it, -1 if it has no
// place in a date.
func (d *dateReader) letters(s string, i int) int {
	end := i
	for end < len(s) && (isLetter(s[end]) || s[end] >= 0x80) {
		end++
	}
	word := ascii.ToLower(s[i:end])
	if next := skipCFWS(s, end); word == "mar" && d.day == 0 && next < len(s) && s[next] == ',' {
		return end // a Tuesday of French, Spanish and Italian
	}
	if !d.word(word) {
		return -1
	}
	return end
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { c = ascii.Lower(c); return 'a' <= c && c <= 'z' }

// digitsAt reads the digits at s[i] and returns the index behind them. Of more
// than nine it makes some number that no date has.
func digitsAt(s string, i int) (n, end int) {
	for end = i; end < len(s) && isDigit(s[end]); end++ {
		if n < 1e8 {
			n = 10*n + int(s[end]-'0')
		}
	}
	return n, end
}

// number takes the day or the year, whichever comes.
func (d *dateReader) number(n, digits int) bool {
	switch {
	case d.day == 0 && (digits <= 2 || digits == 3 && n <= 31): // with a zero too many
		d.day = n
		return true
	case d.year < 0 && digits >= 2 && digits <= 4:
		// RFC 5322 section 4.3: what two and three digits mean.
		switch {
		case digits == 2 && n < 50:
			n += 2000
		case digits <= 3:
			n += 1900
		}
		d.year = n
		return true
	}
	return false
}

// clock takes the time of day from the minutes at s[i] on, and returns the index
// behind it, -1 if it is none. Seconds may have a fraction, which is dropped;
// behind a comma only if the day cannot follow there.
//
//	time-of-day = hour ":" minute [ ":" second ]
func (d *dateReader) clock(s string, hour, i int) int {
	i = skipCFWS(s, i)
	minute, end := digitsAt(s, i)
	if d.timed || end == i {
		return -1
	}
	d.timed = true
	d.hour, d.minute = hour, minute
	if next := skipCFWS(s, end); next < len(s) && s[next] == ':' {
		d.second, end = digitsAt(s, skipCFWS(s, next+1))
		if end < len(s) && (s[end] == '.' || s[end] == ',' && d.year >= 0) {
			_, end = digitsAt(s, end+1)
		}
	}
	return end
}

// offset takes the zone at s[i] and returns the index behind it. One that no place on
// Earth has counts as "-0000".
//
//	zone = (FWS ( "+" / "-" ) 4DIGIT)
func (d *dateReader) offset(s string, i int) int {
	negative := s[i] == '-'
	i++
	var n, count int
	for i < len(s) && (isDigit(s[i]) || s[i] == ':' && count == 2) {
		if s[i] != ':' && count < 5 {
			n = 10*n + int(s[i]-'0')
			count++
		}
		i++
	}
	switch count {
	case 1, 2:
		n *= 100
	case 3, 4:
	default:
		n = 0
	}
	d.zoned = true
	hours, minutes := n/100, n%100
	if hours > 23 || minutes > 59 {
		return i // as good as none
	}
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

package pop3wire

import (
	"bytes"
	"math"
	"strconv"
)

// AppendStat appends a drop listing, "nn mm", without line end: what follows
// +OK in the reply to STAT (RFC 1939 section 5).
func AppendStat(dst []byte, n int, octets int64) []byte {
	dst = append(strconv.AppendInt(dst, int64(n), 10), ' ')
	return strconv.AppendInt(dst, octets, 10)
}

// ParseStat reads the text of the reply to STAT. Whatever follows the two
// numbers is ignored.
//
// QUIRK: RFC 1939 section 5 requires the number of octets. We report -1 where it
// is missing or negative, because some servers count in 32 bits with a sign.
func ParseStat(text []byte) (n int, octets int64, err error) {
	field, rest := nextField(text)
	count, ok := parseNumber(field, math.MaxInt)
	if !ok {
		return 0, 0, errStat
	}
	field, _ = nextField(rest)
	if len(field) == 0 {
		return int(count), -1, nil
	}
	digits, negative := bytes.CutPrefix(field, []byte{'-'})
	if octets, ok = parseNumber(digits, math.MaxInt64); !ok {
		return 0, 0, errStat
	}
	if negative {
		octets = -1
	}
	return int(count), octets, nil
}

// AppendListLine appends a scan listing, "nn mm", without line end. It begins a
// line of LIST, and follows +OK in the reply to LIST n (RFC 1939 section 5).
func AppendListLine(dst []byte, n int, size int64) []byte { return AppendStat(dst, n, size) }

// ParseListLine reads a scan listing: a line of LIST, or the text of the reply to
// LIST n. Several blanks pass for one; whatever follows the size is ignored.
func ParseListLine(line []byte) (n int, size int64, err error) {
	field, rest := nextField(line)
	if n, err = parseMessage(field); err != nil {
		return 0, 0, errList
	}
	field, _ = nextField(rest)
	size, ok := parseNumber(field, math.MaxInt64)
	if !ok {
		return 0, 0, errList
	}
	return n, size, nil
}

// AppendUIDLLine appends a unique-id listing, "nn uid", without line end. It
// begins a line of UIDL, and follows +OK in the reply to UIDL n (RFC 1939
// section 7). It trusts uid to be a ValidUID.
func AppendUIDLLine(dst []byte, n int, uid string) []byte {
	dst = append(strconv.AppendInt(dst, int64(n), 10), ' ')
	return append(dst, uid...)
}

// ParseUIDLLine reads a unique-id listing: a line of UIDL, or the text of the
// reply to UIDL n. uid is a view of line. Several blanks pass for one.
//
// QUIRK: RFC 1939 section 7 ends a unique-id after 70 octets. We return longer
// ones whole, because there are servers that send them, and a client that cut
// them would take two messages for one.
func ParseUIDLLine(line []byte) (n int, uid []byte, err error) {
	field, rest := nextField(line)
	if n, err = parseMessage(field); err != nil {
		return 0, nil, errUID
	}
	uid, rest = nextField(rest)
	if more, _ := nextField(rest); len(more) > 0 || !visible(uid) {
		return 0, nil, errUID
	}
	return n, uid, nil
}

// ValidUID reports whether uid is a unique-id of RFC 1939 section 7: 1 to 70
// octets of 0x21 to 0x7E.
func ValidUID(uid string) bool { return len(uid) <= 70 && visible(uid) }

// nextField returns the next run of octets other than blanks and tabs, and what
// comes after it.
func nextField(line []byte) (field, rest []byte) {
	line = bytes.TrimLeft(line, " \t")
	if i := bytes.IndexAny(line, " \t"); i >= 0 {
		return line[:i], line[i:]
	}
	return line, nil
}

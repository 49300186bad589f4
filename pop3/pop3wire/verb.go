package pop3wire

import (
	"bytes"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Verb is a command's keyword.
type Verb uint8

// The verbs.
const (
	Unknown Verb = iota
	USER         // RFC 1939 section 7
	PASS         // RFC 1939 section 7
	STAT         // RFC 1939 section 5
	LIST         // RFC 1939 section 5
	RETR         // RFC 1939 section 5
	DELE         // RFC 1939 section 5
	NOOP         // RFC 1939 section 5
	RSET         // RFC 1939 section 5
	QUIT         // RFC 1939 section 4, RFC 1939 section 6
	TOP          // RFC 1939 section 7
	UIDL         // RFC 1939 section 7
	CAPA         // RFC 2449 section 5
	STLS         // RFC 2595 section 4
	AUTH         // RFC 5034 section 4
	APOP         // RFC 1939 section 7
	UTF8         // RFC 6856 section 2.1
	LANG         // RFC 6856 section 3

	// Verbs of other times, which clients of good will may try still.
	LAST // RFC 1460; dropped by RFC 1725
	XTND // RFC 1082
	RPOP // RFC 1081
)

var verbNames = [...]string{
	"unknown", "USER", "PASS", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "QUIT",
	"TOP", "UIDL", "CAPA", "STLS", "AUTH", "APOP", "UTF8", "LANG", "LAST", "XTND", "RPOP",
}

// Verbs is the number of verbs, Unknown included: the length of a table indexed
// by Verb.
const Verbs = len(verbNames)

// String returns the keyword in upper case, or "unknown".
func (v Verb) String() string {
	if int(v) < len(verbNames) {
		return verbNames[v]
	}
	return verbNames[Unknown]
}

// SplitVerb takes a command line without its CRLF apart. args is what follows
// the one blank after the keyword, and nil when there is no blank, so that
// "STAT" and "STAT " differ. Keywords are matched in any case of ASCII letters
// (RFC 1939 section 3).
func SplitVerb(line []byte) (v Verb, args []byte) {
	word := line
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		word, args = line[:i], line[i+1:]
	}
	var k [4]byte
	if len(word) > len(k) {
		return Unknown, args
	}
	for i, c := range word {
		k[i] = ascii.Upper(c)
	}
	switch string(k[:len(word)]) {
	case "USER":
		v = USER
	case "PASS":
		v = PASS
	case "STAT":
		v = STAT
	case "LIST":
		v = LIST
	case "RETR":
		v = RETR
	case "DELE":
		v = DELE
	case "NOOP":
		v = NOOP
	case "RSET":
		v = RSET
	case "QUIT":
		v = QUIT
	case "TOP":
		v = TOP
	case "UIDL":
		v = UIDL
	case "CAPA":
		v = CAPA
	case "STLS":
		v = STLS
	case "AUTH":
		v = AUTH
	case "APOP":
		v = APOP
	case "UTF8":
		v = UTF8
	case "LANG":
		v = LANG
	case "LAST":
		v = LAST
	case "XTND":
		v = XTND
	case "RPOP":
		v = RPOP
	}
	return v, args
}

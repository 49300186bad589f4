package message

import (
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// BaseSubject returns what a subject is about, without what mailers add when they
// answer and forward: "Re:", "Fwd:", "(fwd)", "[fwd: ]" and names of mailing lists in
// brackets (RFC 5256 section 2.1). That is what threads and lists sorted by subject go
// by, whatever the case of its letters. The text is that of Header.Subject.
//
// It also reports whether the message is an answer or forwarded, by its subject.
func BaseSubject(subject string) (base string, reply bool) {
	s := strings.Join(strings.Fields(subject), " ")
	for {
		s = cutTrailers(s, &reply)
		s = cutLeaders(s, &reply)
		// subj-fwd = subj-fwd-hdr subject subj-fwd-trl
		const fwd = "[fwd:"
		if len(s) <= len(fwd) || !ascii.EqualFold(s[:len(fwd)], fwd) || s[len(s)-1] != ']' {
			return s, reply
		}
		s, reply = s[len(fwd):len(s)-1], true
	}
}

// cutTrailers takes off the marks at the end of s.
//
//	subj-trailer = "(fwd)" / WSP
func cutTrailers(s string, reply *bool) string {
	const fwd = "(fwd)"
	for {
		s = trimFWS(s)
		at := len(s) - len(fwd)
		if at < 0 || !ascii.EqualFold(s[at:], fwd) {
			return s
		}
		s, *reply = s[:at], true
	}
}

// cutLeaders takes off the marks at the beginning of s, and what is in brackets there
// unless it is all there is.
//
//	subj-leader = (*subj-blob subj-refwd) / WSP
func cutLeaders(s string, reply *bool) string {
	blobs := 0 // where those that were passed over end
	for {
		if n := refwd(s[blobs:]); n > 0 {
			s, *reply = trimFWS(s[blobs+n:]), true
			blobs = 0
			continue
		}
		n := blob(s[blobs:])
		if n == 0 || blobs+n == len(s) {
			return s[blobs:]
		}
		blobs += n
	}
}

// refwd returns the length of what says that s is an answer or forwarded, 0 if nothing
// does.
//
//	subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
func refwd(s string) int {
	n := 2
	switch {
	case len(s) > 3 && ascii.EqualFold(s[:3], "fwd"):
		n = 3
	case len(s) > 2 && (ascii.EqualFold(s[:2], "re") || ascii.EqualFold(s[:2], "fw")):
	default:
		return 0
	}
	for n < len(s) && isWSP(s[n]) {
		n++
	}
	n += blob(s[n:])
	if n == len(s) || s[n] != ':' {
		return 0
	}
	return n + 1
}

// blob returns the length of the text in brackets that s begins with, and the blanks
// behind it; 0 if it does not begin so.
//
//	subj-blob = "[" *BLOBCHAR "]" *WSP
func blob(s string) int {
	if s == "" || s[0] != '[' {
		return 0
	}
	n := 1 + strings.IndexAny(s[1:], "[]")
	if n == 0 || s[n] != ']' {
		return 0
	}
	for n++; n < len(s) && isWSP(s[n]); n++ {
	}
	return n
}

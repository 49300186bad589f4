package message

import (
	"iter"
	"net/netip"
	"strings"
	"time"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Received is a trace field taken apart (RFC 5321 section 4.4). Only the field
// that one's own server added can be trusted: those below it may be forged.
type Received struct {
	// From is the name or address literal that the client gave in its hello.
	From string
	// FromInfo is the comment behind it, without its parentheses: what the
	// server knew of the client.
	FromInfo string
	// FromIP is the first IP address in FromInfo, or in the comments behind
	// it; the zero Addr if there is none. One in From, or behind "helo" in a comment,
	// is not taken: it is what the client said.
	FromIP netip.Addr
	// By is the server that wrote the field.
	By string
	// Via is the link, With the protocol: "ESMTPSA" (RFC 3848).
	Via, With string
	// ID is what the server called the message.
	ID string
	// For is the first recipient named, without its angle brackets.
	For string
	// Date is when; the zero Time if that cannot be read.
	Date time.Time
}

// Received returns the trace fields, the newest first, as they stand.
func (h Header) Received() iter.Seq[Received] {
	return func(yield func(Received) bool) {
		for f := range h.Values("Received") {
			if !yield(ParseReceived(f.Value())) {
				return
			}
		}
	}
}

// ParseReceived reads the value of a Received field as well as that can be
// done; what it cannot find is empty.
//
//	Time-stamp-line = "Received:" FWS Stamp CRLF
//	Stamp = From-domain By-domain Opt-info [CFWS] ";" FWS date-time
func ParseReceived(s string) Received {
	var r Received
	clauses, date := s, ""
	if i := lastSemicolon(s); i >= 0 {
		clauses, date = s[:i], s[i+1:]
	}
	if t, err := ParseDate(date); err == nil {
		r.Date = t
	}
	lastAngle := strings.LastIndexByte(clauses, '>')
	field := (*string)(nil) // what the next words belong to
	for i := 0; i < len(clauses); {
		switch c := clauses[i]; {
		case isFWS(c) || c == ';':
			i++
		case c == '(':
			end, closed := skipComment(clauses, i)
			if field == &r.From && closed {
				info := trimFWS(clauses[i+1 : end-1])
				if r.FromInfo == "" {
					r.FromInfo = info
				}
				if !r.FromIP.IsValid() {
					r.FromIP = firstIP(info)
				}
			}
			i = end
		case c == '<' && i < lastAngle:
			end := i + strings.IndexByte(clauses[i:], '>') + 1
			if field != nil && *field == "" {
				*field = trimID(clauses[i:end])
			}
			i = end
		default:
			end := i
			for end < len(clauses) && !isFWS(clauses[end]) && clauses[end] != '(' && clauses[end] != ';' {
				end++
			}
			word := clauses[i:end]
			if next := r.clause(word); next != nil && *next == "" && (field == nil || *field != "") {
				field = next
			} else if field != nil && *field == "" {
				*field = word
			}
			i = end
		}
	}
	return r
}

// lastSemicolon returns the index of the last ";" outside comments, -1 if there is none.
func lastSemicolon(s string) int {
	last := -1
	for i := 0; i < len(s); {
		switch s[i] {
		case '(':
			i, _ = skipComment(s, i)
			continue
		case ';':
			last = i
		}
		i++
	}
	return last
}

// clause returns the place of what follows that word, nil if it begins no clause.
func (r *Received) clause(word string) *string {
	switch ascii.ToLower(word) {
	case "from":
		return &r.From
	case "by":
		return &r.By
	case "via":
		return &r.Via
	case "with":
		return &r.With
	case "id":
		return &r.ID
	case "for":
		return &r.For
	}
	return nil
}

// firstIP returns the first IP address in s: alone, in brackets, or as an
// address literal (RFC 5321 section 4.1.3). It looks at each word once, and passes over
// what a client called itself.
func firstIP(s string) netip.Addr {
	said := false
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(" \t[]()<>,;", r) }) {
		word = word[strings.LastIndexByte(word, '@')+1:] // in front of it is what the client says that its user is
		word = strings.TrimPrefix(ascii.ToLower(word), "ipv6:")
		if said || len(word) > 64 {
			said = false
			continue
		}
		if said = word == "helo" || word == "ehlo" || word == "helo=" || word == "ehlo="; said {
			continue
		}
		if ip, err := netip.ParseAddr(word); err == nil {
			return ip.Unmap()
		}
	}
	return netip.Addr{}
}

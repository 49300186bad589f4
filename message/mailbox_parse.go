package message

import (
	"slices"
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// addressParser reads one address list from front to back. It never goes back, so
// that its time is linear in the text.
type addressParser struct {
	s       string
	i       int
	list    []Mailbox
	groups  []groupSpan
	open    bool // the last of groups is not closed
	held    bool // the tokens are those of the next element
	raw     bool // names are left as they are written
	encoded bool // there may be encoded words, or pieces of them
	err     *AddressError

	at       bool   // there is a tokenAt in the element being read
	comment  string // the last comment in it, with its parentheses
	pending  string // words before a comma that may be half of a name
	pendAddr string // the address that they are otherwise
	literal  string // the openers that turned out not to be closed: they mean nothing from there on

	routeless int // no route that is still to be read ends before it
}

type groupSpan struct {
	name       string
	start, end int // in list
}

// token is one word or sign of an element.
type token struct {
	start, end int
	kind       tokenKind
	gap        bool // blanks or a comment before it
}

type tokenKind uint8

const (
	tokenAtom    tokenKind = iota
	tokenQuoted            // with its quotes
	tokenDot               // "."
	tokenAt                // "@"
	tokenLiteral           // "[...]"
	tokenJunk              // octets that do not belong there
)

func (p *addressParser) fail(at int, reason string) {
	if p.err == nil {
		p.err = &AddressError{at, reason}
	}
}

func (p *addressParser) error() error {
	if p.err == nil {
		return nil
	}
	return p.err
}

// parse reads the list.
//
//	address-list = (address *("," address)) / obs-addr-list
//	group        = display-name ":" [group-list] ";" [CFWS]
func (p *addressParser) parse(s string) {
	p.s = s
	p.encoded = strings.IndexByte(s, '?') >= 0
	var few [12]token
	tokens := few[:0] // of the element being read
	for p.i < len(s) || p.held {
		if !p.held {
			p.comment = ""
			for p.i < len(s) && isFWS(s[p.i]) {
				p.i++
			}
			if addr := p.plain(','); addr != "" {
				p.settle()
				p.add("", addr)
				p.i++
				continue
			}
			tokens = p.collect(tokens[:0], false)
		}
		p.held = false
		c := byte(',')
		if p.i < len(s) {
			c = s[p.i]
			p.i++
		}
		switch c {
		case '<':
			tokens = p.angle(tokens)
		case ':':
			p.beginGroup(tokens)
		case ';':
			p.bare(tokens)
			p.settle()
			p.endGroup()
		default:
			p.bare(tokens)
		}
	}
	p.settle()
	if p.open {
		p.fail(len(s), "group without its end")
		p.endGroup()
	}
	p.octets()
}

// plain goes behind the address at p.i and returns it, if it is one as most are, up
// to the end of the text or the octet until: two dot-atoms of ASCII as they ought to be.
func (p *addressParser) plain(until byte) string {
	s := p.s[p.i:]
	at := skipDotAtom(s, 0)
	if at == 0 || at == len(s) || s[at] != '@' {
		return ""
	}
	end := skipDotAtom(s, at+1)
	if end == at+1 || end < len(s) && s[end] != until {
		return ""
	}
	p.i += end
	return s[:end]
}

// skipDotAtom returns the index behind the dot-atom at s[i]; i itself if there is none,
// or one with a dot or a hyphen at the edge of an atom.
func skipDotAtom(s string, i int) int {
	start, last := i, byte('.')
	for ; i < len(s) && classes[s[i]]&classAddress != 0; i++ {
		if c := s[i]; c == '.' && (last == '.' || last == '-') || c == '-' && last == '.' {
			return start
		}
		last = s[i]
	}
	if last == '.' || last == '-' {
		return start
	}
	return i
}

// octets looks for a NUL, and for a line end that is no folding: in a field there is
// none, and elsewhere somebody tries to put a line of his own into what is made of the
// text.
//
//	FWS = ([*WSP CRLF] 1*WSP) / obs-FWS
func (p *addressParser) octets() {
	if strings.IndexByte(p.s, '\r') < 0 && strings.IndexByte(p.s, '\n') < 0 && strings.IndexByte(p.s, 0) < 0 {
		return
	}
	for i := 0; i < len(p.s); i++ {
		reason := "unexpected octet"
		switch p.s[i] {
		default:
			continue
		case '\r':
			if i+2 < len(p.s) && p.s[i+1] == '\n' && isWSP(p.s[i+2]) {
				i += 2
				continue
			}
			reason = "line end that is no folding"
		case '\n':
			reason = "line end that is no folding"
		case 0:
		}
		if p.err == nil || p.err.Offset > i {
			p.err = &AddressError{i, reason}
		}
		return
	}
}

// grouped returns the mailboxes with the groups kept apart.
func (p *addressParser) grouped() []Group {
	if p.groups == nil && len(p.list) > 0 {
		return []Group{{Members: p.list}}
	}
	var list []Group
	at := 0
	for _, g := range p.groups {
		if g.start > at {
			list = append(list, Group{Members: p.list[at:g.start:g.start]})
		}
		list = append(list, Group{Name: g.name, Members: p.list[g.start:g.end:g.end]})
		at = g.end
	}
	if at < len(p.list) {
		list = append(list, Group{Members: p.list[at:]})
	}
	return list
}

// collect appends the tokens up to what ends an element, or the inside of angle
// brackets, and stops there.
func (p *addressParser) collect(tokens []token, inAngle bool) []token {
	p.at = false
	gap := false
	for p.i < len(p.s) {
		c := p.s[p.i]
		start, kind := p.i, tokenAtom
		switch {
		case isFWS(c):
			p.i++
			gap = true
			continue
		case c == '(' && p.opens('(', skipComment):
			p.comment = p.s[start:p.i]
			gap = true
			continue
		case c == ',' || c == ';':
			return tokens
		case c == '<' && !inAngle, c == '>' && inAngle:
			return tokens
		case c == ':' && !inAngle && !p.open && !p.at:
			return tokens
		case isAtom(c):
			p.atom()
		case c == '.':
			p.i++
			kind = tokenDot
		case c == '@':
			p.i++
			kind = tokenAt
			p.at = true
		case c == '"' && p.opens('"', skipQuoted):
			kind = tokenQuoted
		case c == '[' && p.opens('[', skipLiteral):
			kind = tokenLiteral
		default:
			p.i++
			kind = tokenJunk
			p.fail(start, "unexpected octet")
			// The first of them ends what an address may be; all that follow are one token.
			if n := len(tokens); n > 1 && !gap && !tokens[n-1].gap && tokens[n-1].kind == tokenJunk && tokens[n-2].kind == tokenJunk {
				tokens[n-1].end = p.i
				continue
			}
		}
		if len(tokens) == cap(tokens) {
			tokens = slices.Grow(tokens, len(tokens)) // append would make a long list anew eight times as often
		}
		tokens = append(tokens, token{start, p.i, kind, gap})
		gap = false
	}
	return tokens
}

// opens goes behind what the octet at p.i opens. If that is not closed, the octet
// means nothing, and none like it does from there on: looking for
// the end again and again would cost time quadratic in the text.
func (p *addressParser) opens(opener byte, skip func(string, int) (int, bool)) bool {
	if strings.IndexByte(p.literal, opener) >= 0 {
		return false
	}
	end, closed := skip(p.s, p.i)
	if !closed {
		p.literal += string(opener)
		return false
	}
	p.i = end
	return true
}

// skipLiteral returns the index behind the domain literal that s[i] opens, and
// whether it is closed.
//
//	domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" [CFWS]
func skipLiteral(s string, i int) (end int, closed bool) {
	for i++; i < len(s); i++ {
		switch s[i] {
		case ']':
			return i + 1, true
		case '\\':
			i++
		case '[', '<', '>', ',':
			return i, false
		}
	}
	return len(s), false
}

// atom goes behind the atom at p.i. An encoded word is one, even with octets in
// it that RFC 2047 section 5 wants encoded.
func (p *addressParser) atom() {
	if p.encoded && strings.HasPrefix(p.s[p.i:], "=?") {
		if w, end := cutWord(p.s, p.i); end > 0 && !strings.ContainsAny(w.text, " \t\"\\") {
			p.i = end
		}
	}
	for p.i < len(p.s) && isAtom(p.s[p.i]) {
		p.i++
	}
}

// beginGroup begins the group that the tokens name.
func (p *addressParser) beginGroup(tokens []token) {
	p.settle()
	name := p.phrase(tokens)
	if name == "" {
		p.fail(p.i-1, "group without a name")
		return
	}
	p.open = true
	p.groups = append(p.groups, groupSpan{name: name, start: len(p.list), end: len(p.list)})
}

func (p *addressParser) endGroup() {
	if !p.open {
		p.fail(p.i-1, "semicolon outside a group")
		return
	}
	p.open = false
	p.groups[len(p.groups)-1].end = len(p.list)
}

// angle reads an address in angle brackets; the tokens are its display name. It returns
// those of the next element if p.held is set then.
//
//	name-addr  = [display-name] angle-addr
//	angle-addr = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr
func (p *addressParser) angle(tokens []token) []token {
	p.checkPhrase(tokens)
	name := p.phrase(tokens)
	if name != "" && p.pending != "" {
		name = p.pending + ", " + name
		p.pending, p.pendAddr = "", ""
	}
	p.settle()
	for p.i < len(p.s) && p.s[p.i] == '<' {
		p.fail(p.i, "unexpected octet")
		p.i++
	}
	start := p.i
	addr, ok := p.plain('>'), true
	if addr == "" {
		p.route()
		p.scheme()
		tokens = p.collect(tokens[:0], true)
		addr, ok = p.addrSpec(tokens)
	}
	if p.i < len(p.s) && p.s[p.i] == '>' {
		p.i++
	} else {
		p.fail(p.i, "no closing angle bracket")
	}
	// Nothing but a comment may follow, which serves as a name if there is no other.
	tokens = p.collect(tokens[:0], false)
	for p.i < len(p.s) && p.s[p.i] == ':' {
		p.fail(p.i, "unexpected octet")
		p.i++
		tokens = p.collect(tokens[:0], false)
	}
	// Another address is one of its own, which lacks the comma before it.
	if p.held = p.at || p.i < len(p.s) && p.s[p.i] == '<'; p.held {
		p.fail(p.i, "no comma between addresses")
	} else if len(tokens) > 0 {
		p.fail(tokens[0].start, "text behind an address")
	}
	if ok {
		p.add(name, addr)
	} else {
		p.fail(start, "no address")
	}
	if p.held {
		p.comment = ""
	}
	return tokens
}

// scheme passes over the scheme of a URL in front of an address.
func (p *addressParser) scheme() {
	const mailto = "mailto:"
	if i := p.behindCFWS(); i+len(mailto) < len(p.s) && ascii.EqualFold(p.s[i:i+len(mailto)], mailto) {
		p.fail(i, "URL in place of an address")
		p.i = i + len(mailto)
	}
}

// route passes over the obsolete list of relays in front of an address, which
// is to be ignored (RFC 5322 section 4.4).
//
//	obs-route = obs-domain-list ":"
func (p *addressParser) route() {
	for {
		i := p.behindCFWS()
		if i == len(p.s) || p.s[i] != '@' {
			return
		}
		p.fail(i, "route")
		for i = max(i, p.routeless); i < len(p.s) && p.s[i] != '>' && p.s[i] != ':'; i++ {
		}
		if i == len(p.s) || p.s[i] == '>' {
			p.routeless = i
			return
		}
		p.i = i + 1
	}
}

// behindCFWS returns the index behind the blanks and comments at p.i.
func (p *addressParser) behindCFWS() int {
	start := p.i
	for p.i < len(p.s) {
		if isFWS(p.s[p.i]) {
			p.i++
		} else if p.s[p.i] != '(' || !p.opens('(', skipComment) {
			break
		}
	}
	end := p.i
	p.i = start
	return end
}

// bare takes the tokens as addresses without angle brackets, as many as there are.
// If there is none, they are kept until it is seen what follows.
func (p *addressParser) bare(tokens []token) {
	if len(tokens) == 0 {
		return
	}
	if !p.at {
		p.settle()
		p.pending = p.phrase(tokens)
		p.pendAddr, _ = p.local(tokens)
		p.fail(tokens[0].start, "no domain")
		return
	}
	p.settle()
	for len(tokens) > 0 {
		at := 0
		for at < len(tokens) && tokens[at].kind != tokenAt {
			at++
		}
		if at == len(tokens) {
			p.fail(tokens[0].start, "text behind an address")
			return
		}
		// The address is what hangs together around the "@"; what is in front is a name.
		first := at
		for first > 0 && (tokens[first-1].kind <= tokenDot) && (first == at || joined(tokens[first-1], tokens[first])) {
			first--
		}
		end := at + 1
		for end < len(tokens) && tokens[end].kind != tokenAt && (end == at+1 || joined(tokens[end-1], tokens[end])) {
			end++
		}
		bad := end < len(tokens) && tokens[end].kind == tokenAt
		if addr, ok := p.addrSpec(tokens[first:end]); ok && !bad {
			if first > 0 {
				p.fail(tokens[0].start, "text in front of an address")
			}
			if end < len(tokens) {
				p.fail(tokens[end].start, "text behind an address")
			}
			name := tokens[:first]
			for len(name) > 0 && name[0].kind == tokenJunk {
				name = name[1:]
			}
			p.add(p.phrase(name), addr)
		} else {
			p.fail(tokens[first].start, "no address")
		}
		for bad && end < len(tokens) && !tokens[end].gap {
			end++
		}
		tokens = tokens[end:]
	}
}

// joined reports whether two words are joined by a dot, which one of them is.
func joined(a, b token) bool { return a.kind == tokenDot || b.kind == tokenDot }

// settle decides that the words before a comma are no half of a name.
func (p *addressParser) settle() {
	if p.pendAddr != "" {
		p.list = append(p.list, Mailbox{Addr: p.pendAddr})
	}
	p.pending, p.pendAddr = "", ""
}

func (p *addressParser) add(name, addr string) {
	if name == "" && p.comment != "" {
		name = p.display(trimFWS(unquote(p.comment[1 : len(p.comment)-1])))
	}
	p.list = append(p.list, Mailbox{name, addr})
}

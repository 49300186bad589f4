package message

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What the tokens of an element say: as a display name, as an address, and as its parts.

// phrase returns the tokens as a display name.
//
//	phrase = 1*word / obs-phrase
func (p *addressParser) phrase(tokens []token) string {
	if len(tokens) == 0 {
		return ""
	}
	if len(tokens) == 1 {
		return p.display(p.word(tokens[0]))
	}
	if p.spaced(tokens) {
		return p.display(p.text(tokens))
	}
	var b strings.Builder
	for i, t := range tokens {
		if t.gap && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.word(t))
	}
	return p.display(b.String())
}

// spaced reports whether the tokens are words with nothing but single blanks between them.
func (p *addressParser) spaced(tokens []token) bool {
	for i, t := range tokens {
		if t.kind == tokenQuoted || i > 0 && t.gap && p.s[tokens[i-1].end:t.start] != " " {
			return false
		}
	}
	return true
}

// checkPhrase looks for what a display name cannot hold without quotes: an "@" above all,
// which makes it look like the address.
func (p *addressParser) checkPhrase(tokens []token) {
	for i, t := range tokens {
		if t.kind > tokenDot || t.kind == tokenDot && i == 0 {
			p.fail(t.start, "unexpected octet")
		}
	}
}

// display returns a display name as it is to be given.
func (p *addressParser) display(name string) string {
	if p.raw {
		return name
	}
	return DecodeText(name)
}

// word returns the token as text, a quoted string without its quotes.
func (p *addressParser) word(t token) string {
	if t.kind == tokenQuoted {
		return unquote(p.s[t.start+1 : t.end-1])
	}
	return p.s[t.start:t.end]
}

// addrSpec returns the tokens as an address.
//
//	addr-spec = local-part "@" domain
func (p *addressParser) addrSpec(tokens []token) (string, bool) {
	at := slices.IndexFunc(tokens, func(t token) bool { return t.kind == tokenAt })
	if at < 0 {
		at = len(tokens)
	}
	local, ok := p.local(tokens[:at])
	if !ok {
		return "", false
	}
	if at+1 >= len(tokens) {
		p.fail(tokens[0].start, "no domain")
		return local, true
	}
	domain, ok := p.domain(tokens[at+1:])
	if !ok {
		return "", false
	}
	whole := p.text(tokens)
	if rest, ok := strings.CutPrefix(whole, local); ok && len(rest) == 1+len(domain) && rest[0] == '@' && rest[1:] == domain {
		return whole, true // it is written as it ought to be
	}
	return local + "@" + domain, true
}

// text returns the tokens as they are written, blanks and comments included.
func (p *addressParser) text(tokens []token) string {
	return p.s[tokens[0].start:tokens[len(tokens)-1].end]
}

// words returns the tokens one behind the other, quoted strings without quotes.
func (p *addressParser) words(tokens []token) string {
	plain := true
	for i, t := range tokens {
		plain = plain && t.kind != tokenQuoted && (i == 0 || !t.gap)
	}
	if plain {
		return p.text(tokens)
	}
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(p.word(t))
	}
	return b.String()
}

// local returns the tokens as a local part, quoted if it must be.
//
//	local-part = dot-atom / quoted-string / obs-local-part
func (p *addressParser) local(tokens []token) (string, bool) {
	if len(tokens) == 0 {
		return "", false
	}
	quote := false
	for i, t := range tokens {
		dot := t.kind == tokenDot
		switch {
		case t.kind > tokenDot:
			return "", false
		case i > 0 && !joined(tokens[i-1], t):
			return "", false
		case dot && (i == 0 || i == len(tokens)-1 || tokens[i-1].kind == tokenDot):
			quote = true
			p.fail(t.start, "unexpected dot")
		case t.kind == tokenAtom && p.encoded && strings.Contains(p.s[t.start:t.end], "=?"):
			// An encoded word has no place here and is not decoded (RFC 2047 section 5).
			p.fail(t.start, "encoded word in an address")
		}
	}
	p.checkVisible(tokens)
	return quoteLocal(p.words(tokens), quote)
}

// checkVisible looks for characters of an address that nobody can see, or that turn the
// direction of the others.
func (p *addressParser) checkVisible(tokens []token) {
	s := p.text(tokens)
	if i := strings.IndexFunc(s, isInvisible); i >= 0 {
		p.fail(tokens[0].start+i, "invisible character")
	}
}

// isInvisible reports whether r is a mark of direction or shows nothing and joins nothing.
func isInvisible(r rune) bool {
	return 0x200B <= r && r <= 0x200F && r != 0x200C && r != 0x200D || 0x202A <= r && r <= 0x202E ||
		0x2060 <= r && r <= 0x206F || r == 0xFEFF || r == 0xAD
}

// quoteLocal returns s as a local part, in quotes if it is not a dot-atom or
// quote is set. It reports false for what cannot be in an address.
func quoteLocal(s string, quote bool) (string, bool) {
	if !utf8.ValidString(s) || hasControl(s) {
		return "", false
	}
	quote = quote || s == ""
	for i := range len(s) {
		quote = quote || !isAtom(s[i]) && (s[i] != '.' || i == 0 || i == len(s)-1 || s[i-1] == '.')
	}
	if !quote {
		return s, true
	}
	b := append(make([]byte, 0, len(s)+4), '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return string(append(b, '"')), true
}

// literal returns the domain literal with that inside, without blanks, which say
// nothing in it, and without quoted pairs, which are obsolete there (RFC 5322 section
// 4.4). It reports false for what cannot be in an address.
func literal(s string) (string, bool) {
	s = dropFWS(unquote(s))
	return "[" + s + "]", utf8.ValidString(s) && !hasControl(s) && !strings.ContainsAny(s, `[]\<>,`)
}

// domain returns the tokens as a domain.
//
//	domain = dot-atom / domain-literal / obs-domain
func (p *addressParser) domain(tokens []token) (string, bool) {
	end := len(tokens)
	for i, t := range tokens {
		switch {
		case t.kind == tokenLiteral && len(tokens) == 1:
			return literal(p.s[t.start+1 : t.end-1])
		case t.kind == tokenDot && (i == 0 || tokens[i-1].kind == tokenDot):
			return "", false
		case t.kind == tokenDot && i == len(tokens)-1:
			p.fail(t.start, "unexpected dot")
			end = i
		case t.kind != tokenAtom && t.kind != tokenDot, i > 0 && !joined(tokens[i-1], t):
			return "", false
		case t.kind == tokenAtom && p.encoded && (strings.Contains(p.s[t.start:t.end], "=?") || strings.Contains(p.s[t.start:t.end], "?=")):
			// Who decodes it, or looks for the last "@", sees another domain than who
			// does not.
			p.fail(t.start, "encoded word in an address")
			return "", false
		case t.kind == tokenAtom && (p.s[t.start] == '-' || p.s[t.end-1] == '-'):
			p.fail(t.start, "hyphen at the edge of a label") // RFC 5321 section 4.1.2
		}
	}
	p.checkVisible(tokens)
	domain := p.words(tokens[:end])
	return domain, utf8.ValidString(domain) && !hasControl(domain)
}

package auth

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

// maxSCRAM is the longest message of SCRAM that is read: with names of 255 octets,
// each of them written as three, there is room for nonces of more than a thousand.
const maxSCRAM = 4096

// gs2 is the header that a client begins with, in SCRAM and OAUTHBEARER.
// RFC 5802 section 7:
//
//	gs2-cbind-flag  = ("p=" cb-name) / "n" / "y"
//	gs2-header      = gs2-cbind-flag "," [ authzid ] ","
type gs2 struct {
	raw     string // the whole header
	flag    byte   // 'p', 'n' or 'y'
	binding string // cb-name after 'p'
	name    string // the authorization identity; empty if there is none
}

func parseGS2(message string) (h gs2, rest string, err error) {
	flag, rest, ok1 := strings.Cut(message, ",")
	name, rest, ok2 := strings.Cut(rest, ",")
	if !ok1 || !ok2 {
		return gs2{}, "", malformed("no GS2 header")
	}
	switch kind, bound := strings.CutPrefix(flag, "p="); {
	case bound && isBindingName(kind):
		h.flag, h.binding = 'p', kind
	case flag == "n" || flag == "y":
		h.flag = flag[0]
	default:
		// RFC 5802 section 5: any other beginning is reserved.
		return gs2{}, "", malformed("not a flag of channel binding")
	}
	if name != "" {
		quoted, ok := strings.CutPrefix(name, "a=")
		if h.name, err = decodeName(quoted); !ok || err != nil {
			return gs2{}, "", malformed("not an authorization identity")
		}
	}
	h.raw = message[:len(message)-len(rest)]
	return h, rest, nil
}

func isBindingName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isAlpha(c) && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return name != ""
}

func isAlpha(c byte) bool { return 'a' <= ascii.Lower(c) && ascii.Lower(c) <= 'z' }

// nameEncoder writes a saslname (RFC 5802 section 5.1).
var nameEncoder = strings.NewReplacer("=", "=3D", ",", "=2C")

// decodeName reads a saslname. RFC 5802 section 5.1: an "=" that is followed by
// neither 2C nor 3D is refused.
func decodeName(quoted string) (string, error) {
	if quoted == "" {
		return "", malformed("empty name")
	}
	name := quoted
	if strings.Contains(quoted, "=") {
		name = strings.ReplaceAll(strings.ReplaceAll(quoted, "=2C", ","), "=3D", "=")
		if nameEncoder.Replace(name) != quoted {
			return "", malformed("name badly quoted")
		}
	}
	if len(name) > maxText {
		return "", malformed("name longer than 255 octets")
	}
	return name, nil
}

// attributes reads a message of SCRAM from left to right. The first error stays.
type attributes struct {
	rest string
	err  error
}

// readAttributes begins with a message, or with what follows the GS2 header.
// RFC 5802 section 7: there is UTF-8 without NUL in it.
func readAttributes(message string) attributes {
	a := attributes{rest: message}
	switch {
	case len(message) > maxSCRAM:
		a.err = malformed("message too long")
	case !utf8.ValidString(message) || strings.IndexByte(message, 0) >= 0:
		a.err = malformed("not UTF-8, or NUL")
	}
	return a
}

// next returns the value of the attribute that has to stand here.
func (a *attributes) next(name byte) string {
	if a.err != nil {
		return ""
	}
	text, rest, more := strings.Cut(a.rest, ",")
	switch {
	case more && rest == "":
		a.err = malformed("nothing after a comma")
	case len(text) > 1 && text[0] == 'm' && text[1] == '=':
		// RFC 5802 section 5.1: nobody understands a mandatory extension.
		a.err = malformed("mandatory extension")
	case len(text) < 3 || text[0] != name || text[1] != '=':
		a.err = malformed("attribute missing, empty or in the wrong place")
	default:
		a.rest = rest
		return text[2:]
	}
	return ""
}

// is reports whether the next attribute is of that name.
func (a *attributes) is(name byte) bool {
	return a.err == nil && len(a.rest) > 1 && a.rest[0] == name && a.rest[1] == '='
}

// octets returns the value of an attribute in base64.
func (a *attributes) octets(name byte) []byte {
	text := a.next(name)
	if a.err != nil {
		return nil
	}
	out, err := decodeText(text)
	a.err = err
	return out
}

// nonce returns the value of an attribute of printable characters.
func (a *attributes) nonce() string {
	text := a.next('r')
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			a.err = malformed("nonce not printable")
		}
	}
	return text
}

// extensions skips optional extensions, which nobody knows (RFC 5802 section 5.1),
// up to the attribute last, or to the end if last is 0.
func (a *attributes) extensions(last byte) {
	for a.err == nil && a.rest != "" && (last == 0 || !a.is(last)) {
		if !isAlpha(a.rest[0]) {
			a.err = malformed("not an attribute")
			return
		}
		a.next(a.rest[0])
	}
}

// clientFirst is the first message of a client:
//
//	client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
//	client-first-message      = gs2-header client-first-message-bare
type clientFirst struct {
	header gs2
	bare   string
	user   string
	nonce  string
}

func parseClientFirst(message string) (clientFirst, error) {
	a := readAttributes(message)
	if a.err != nil {
		return clientFirst{}, a.err
	}
	header, bare, err := parseGS2(message)
	if err != nil {
		return clientFirst{}, err
	}
	a.rest = bare
	m := clientFirst{header: header, bare: bare}
	user := a.next('n')
	m.nonce = a.nonce()
	if a.extensions(0); a.err != nil {
		return clientFirst{}, a.err
	}
	m.user, err = decodeName(user)
	return m, err
}

// clientFinal is the last message of a client:
//
//	client-final-message-without-proof = channel-binding "," nonce ["," extensions]
//	client-final-message = client-final-message-without-proof "," proof
type clientFinal struct {
	withoutProof string
	binding      []byte
	nonce        string
	proof        []byte
}

func parseClientFinal(message string) (clientFinal, error) {
	a := readAttributes(message)
	m := clientFinal{binding: a.octets('c'), nonce: a.nonce()}
	a.extensions('p')
	m.withoutProof = strings.TrimSuffix(message[:len(message)-len(a.rest)], ",")
	m.proof = a.octets('p')
	if a.err == nil && a.rest != "" {
		a.err = malformed("something after the proof")
	}
	if a.err != nil {
		return clientFinal{}, a.err
	}
	return m, nil
}

// serverFirst is the first message of a server:
//
//	server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
type serverFirst struct {
	nonce      string
	salt       []byte
	iterations int
}

func parseServerFirst(message string) (serverFirst, error) {
	a := readAttributes(message)
	m := serverFirst{nonce: a.nonce(), salt: a.octets('s')}
	count := a.next('i')
	a.extensions(0)
	if a.err != nil {
		return serverFirst{}, a.err
	}
	// posit-number = %x31-39 *DIGIT
	n, err := strconv.ParseInt(count, 10, 32)
	if err != nil || n <= 0 || count[0] < '1' || count[0] > '9' {
		return serverFirst{}, malformed("number of iterations")
	}
	m.iterations = int(n)
	return m, nil
}

// parseServerFinal reads the last message of a server: a verifier, or the reason why
// there is none.
//
//	server-final-message = (server-error / verifier) ["," extensions]
func parseServerFinal(message string) (verifier []byte, reason string, err error) {
	a := readAttributes(message)
	if a.is('e') {
		reason = a.next('e')
	} else {
		verifier = a.octets('v')
	}
	a.extensions(0)
	return verifier, reason, a.err
}

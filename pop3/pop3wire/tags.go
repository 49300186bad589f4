package pop3wire

import (
	"math"
	"strconv"

	"github.com/posthouse/posthouse/internal/ascii"
)

// The tags of capabilities.
const (
	TagTop            = "TOP"            // RFC 2449 section 6.1
	TagUser           = "USER"           // RFC 2449 section 6.2
	TagSASL           = "SASL"           // RFC 2449 section 6.3, RFC 5034 section 3
	TagRespCodes      = "RESP-CODES"     // RFC 2449 section 6.4
	TagLoginDelay     = "LOGIN-DELAY"    // RFC 2449 section 6.5
	TagPipelining     = "PIPELINING"     // RFC 2449 section 6.6
	TagExpire         = "EXPIRE"         // RFC 2449 section 6.7
	TagUidl           = "UIDL"           // RFC 2449 section 6.8
	TagImplementation = "IMPLEMENTATION" // RFC 2449 section 6.9
	TagStls           = "STLS"           // RFC 2595 section 4
	TagAuthRespCode   = "AUTH-RESP-CODE" // RFC 3206 section 6
	TagUTF8           = "UTF8"           // RFC 6856 section 2
	TagLang           = "LANG"           // RFC 6856 section 3
)

// userToken is the parameter by which a capability says that it may differ for
// the user who logs in, or is for user names.
const userToken = "USER"

// LoginDelay is the capability LOGIN-DELAY of RFC 2449 section 6.5.
type LoginDelay struct {
	Seconds int  // at least so many between logins
	User    bool // told before login: the user's own is no greater
}

// Capability returns the capability.
func (d LoginDelay) Capability() Capability {
	return numbered(TagLoginDelay, strconv.Itoa(max(0, d.Seconds)), d.User)
}

// LoginDelay returns the capability LOGIN-DELAY; ok is false if there is none that
// can be read.
func (l Capabilities) LoginDelay() (d LoginDelay, ok bool) {
	number, user := l.numbered(TagLoginDelay)
	seconds, ok := parseNumber([]byte(number), math.MaxInt)
	if !ok {
		return LoginDelay{}, false
	}
	return LoginDelay{int(seconds), user}, true
}

// Expire is the capability EXPIRE of RFC 2449 section 6.7.
type Expire struct {
	Days  int  // mail is kept for at least so long; 0: what was fetched may not be left
	Never bool // mail is kept until it is deleted; Days is 0
	User  bool // told before login: the user's own is no less
}

// Capability returns the capability.
func (e Expire) Capability() Capability {
	if e.Never {
		return numbered(TagExpire, "NEVER", e.User)
	}
	return numbered(TagExpire, strconv.Itoa(max(0, e.Days)), e.User)
}

// Expire returns the capability EXPIRE; ok is false if there is none that can be
// read.
func (l Capabilities) Expire() (e Expire, ok bool) {
	number, user := l.numbered(TagExpire)
	if ascii.EqualFold(number, "NEVER") {
		return Expire{Never: true, User: user}, true
	}
	days, ok := parseNumber([]byte(number), math.MaxInt)
	if !ok {
		return Expire{}, false
	}
	return Expire{Days: int(days), User: user}, true
}

// UTF8 reports whether the server has the command UTF8, and whether it takes names
// and passwords in UTF-8 (RFC 6856 section 2.2).
func (l Capabilities) UTF8() (mode, user bool) {
	params, mode := l.Params(TagUTF8)
	return mode, len(params) > 0 && ascii.EqualFold(params[0], userToken)
}

func numbered(tag, number string, user bool) Capability {
	c := Capability{Tag: tag, Params: []string{number}}
	if user {
		c.Params = append(c.Params, userToken)
	}
	return c
}

func (l Capabilities) numbered(tag string) (number string, user bool) {
	params, _ := l.Params(tag)
	if len(params) == 0 {
		return "", false
	}
	return params[0], len(params) > 1 && ascii.EqualFold(params[1], userToken)
}

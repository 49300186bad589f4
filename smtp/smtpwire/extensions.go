package smtpwire

import (
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Extensions are the keywords that a server lists in its reply to EHLO, in upper case,
// each with its parameters as they were written, "" when there are none.
type Extensions map[string]string

// ParseEHLO reads the lines of a reply to EHLO behind its first, which greets. Keywords
// may be of either case: RFC 5321 section 4.1.1.1. A line that does not follow the
// grammar is passed over; of a keyword listed twice the first counts.
//
//	ehlo-line    = ehlo-keyword *( SP ehlo-param )
//	ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//	ehlo-param   = 1*(%d33-126)
func ParseEHLO(lines []string) Extensions {
	e := make(Extensions, len(lines))
	for _, line := range lines {
		keyword, params, _ := strings.Cut(strings.TrimRight(line, " \t"), " ")
		params = strings.TrimLeft(params, " ")
		if !isKeyword(keyword) || !isText(params) {
			continue
		}
		keyword = ascii.ToUpper(keyword)
		if _, twice := e[keyword]; !twice {
			e[keyword] = params
		}
	}
	return e
}

// Lookup returns the parameters of keyword, which may be of either case.
func (e Extensions) Lookup(keyword string) (params string, ok bool) {
	params, ok = e[ascii.ToUpper(keyword)]
	return params, ok
}

// Size returns the limit that SIZE states, in octets. It is 0 when the server states
// none, or one that is no number: RFC 1870 section 4. ok says that SIZE is listed.
func (e Extensions) Size() (limit int64, ok bool) {
	params, ok := e["SIZE"]
	if !ok {
		return 0, false
	}
	limit, _ = parseSize(params)
	return limit, true
}

// Mechanisms returns the mechanisms that AUTH lists, in upper case.
func (e Extensions) Mechanisms() []string {
	return strings.Fields(ascii.ToUpper(e["AUTH"]))
}

// Limits returns what LIMITS states.
func (e Extensions) Limits() Limits { return parseLimits(e["LIMITS"]) }

// DeliverBy returns the shortest time in seconds that DELIVERBY allows with
// [ByReturn]; 0 is none stated: RFC 2852 section 2. ok says that DELIVERBY is listed.
//
//	deliverby-param = min-by-time *( ',' extension-token )
//	min-by-time     = [1*9DIGIT]
func (e Extensions) DeliverBy() (shortest int, ok bool) {
	params, ok := e["DELIVERBY"]
	number, _, _ := strings.Cut(params, ",")
	shortest, _ = parseSeconds(number)
	return shortest, ok
}

// FutureRelease returns for how many seconds, and until when, FUTURERELEASE says that
// a message can be held; 0 and "" are what it states wrongly or not at all: RFC 4865
// section 3. ok says that FUTURERELEASE is listed.
func (e Extensions) FutureRelease() (seconds int, until Timestamp, ok bool) {
	params, ok := e["FUTURERELEASE"]
	number, date, _ := strings.Cut(params, " ")
	seconds, _ = parseSeconds(number)
	if until = Timestamp(date); !until.isUTC() {
		until = ""
	}
	return seconds, until, ok
}

// PriorityProfile returns the name of the policy that MT-PRIORITY states; "" is none:
// RFC 6710 section 3. ok says that MT-PRIORITY is listed.
func (e Extensions) PriorityProfile() (name string, ok bool) {
	name, ok = e["MT-PRIORITY"]
	return name, ok
}

// XclientAttributes returns the names of the attributes that XCLIENT lists, in upper
// case; none when XCLIENT is not offered.
func (e Extensions) XclientAttributes() []string {
	return strings.Fields(ascii.ToUpper(e["XCLIENT"]))
}

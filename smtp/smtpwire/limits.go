package smtpwire

import "strings"

// Limits are what a server states with the keyword LIMITS: RFC 9422. Zero: no limit is
// stated.
type Limits struct {
	MailMax       int // MAIL commands in a session
	RcptMax       int // RCPT commands in a transaction
	RcptDomainMax int // domains of recipients in a session
}

// maxLimit is the largest value of a limit: RFC 9422 section 4.
const maxLimit = 999_999

var limitNames = []string{"MAILMAX", "RCPTMAX", "RCPTDOMAINMAX"}

func (l *Limits) fields() [3]*int { return [3]*int{&l.MailMax, &l.RcptMax, &l.RcptDomainMax} }

// Append appends the parameters of the keyword. A limit that is not positive is left
// out, and one beyond what can be written is stated as the largest that can.
//
//	limits-param     = limit-name-value 0*[SP limit-name-value]
//	limit-name-value = limit-name ["=" limit-value]
func (l Limits) Append(dst []byte) []byte {
	first := true
	for i, field := range l.fields() {
		if *field <= 0 {
			continue
		}
		if !first {
			dst = append(dst, ' ')
		}
		first = false
		dst = append(dst, limitNames[i]...)
		dst = append(dst, '=')
		dst = appendInt(dst, int64(min(*field, maxLimit)))
	}
	return dst
}

// parseLimits reads the parameters. RFC 9422 section 3.7: what does not follow the
// grammar makes all of them void, a bad value of a limit that limit, and limits that are
// not known are passed over.
func parseLimits(params string) (l Limits) {
	for word := range strings.FieldsSeq(params) {
		name, value, ok := strings.Cut(word, "=")
		if !isLimitName(name) || ok && value == "" || strings.Contains(value, ";") || !allOf(value, classVisual) {
			return Limits{}
		}
		if i := indexFold(limitNames, name); i >= 0 {
			*l.fields()[i] = parseLimit(value)
		}
	}
	return l
}

func isLimitName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !is(s[i], classAlpha|classDigit) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return s != ""
}

// parseLimit reads the value of a limit; 0 is none.
//
//	%x31-39 0*5DIGIT
func parseLimit(s string) int {
	if len(s) > 6 || strings.HasPrefix(s, "0") {
		return 0
	}
	n, _ := parseSeconds(s)
	return n
}

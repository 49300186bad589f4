package smtpwire

// maxPriority is the highest priority, and the lowest negated: RFC 6710 section 7.
const maxPriority = 9

func validPriority(p int) bool { return -maxPriority <= p && p <= maxPriority }

// parsePriority reads the value of the MT-PRIORITY parameter of MAIL.
//
//	priority-value = (["-"] NZDIGIT) / "0"
func parsePriority(value string) (priority int, ok bool) {
	switch {
	case len(value) == 1 && is(value[0], classDigit):
		return int(value[0] - '0'), true
	case len(value) == 2 && value[0] == '-' && is(value[1], classDigit) && value[1] != '0':
		return -int(value[1] - '0'), true
	}
	return 0, false
}

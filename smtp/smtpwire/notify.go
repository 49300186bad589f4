package smtpwire

import "strings"

// Notify is the value of the NOTIFY parameter of RCPT: when the sender wants to be told
// what became of the message. RFC 3461 section 4.1. Zero means that the parameter is
// absent.
type Notify uint8

// The conditions. All but NotifyNever may be combined.
const (
	NotifyNever Notify = 1 << iota
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

var notifyNames = []string{"NEVER", "SUCCESS", "FAILURE", "DELAY"}

// String returns the value as it is written; zero is "".
func (n Notify) String() string { return string(n.append(nil)) }

func (n Notify) append(dst []byte) []byte {
	first := true
	for i, name := range notifyNames {
		if n&(1<<i) == 0 {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, name...)
	}
	return dst
}

// valid reports whether n can stand in a command: NEVER stands alone.
func (n Notify) valid() bool {
	return n == NotifyNever || n&NotifyNever == 0 && n <= NotifySuccess|NotifyFailure|NotifyDelay
}

// parseNotify reads the value. A condition that is named twice counts once.
//
//	notify-esmtp-value  = "NEVER" / 1#notify-list-element
//	notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
func parseNotify(value string) (n Notify, ok bool) {
	for name := range strings.SplitSeq(value, ",") {
		i := indexFold(notifyNames, name)
		if i < 0 {
			return 0, false
		}
		n |= 1 << i
	}
	return n, n.valid()
}

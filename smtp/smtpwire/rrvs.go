package smtpwire

import "strings"

// ValidSince is the value of the RRVS parameter of RCPT: since when the recipient must
// have been the same person. RFC 7293 section 3.1. The zero value means that the
// parameter is absent.
type ValidSince struct {
	Since     Timestamp
	NoSupport NoSupport
}

// NoSupport says what a relay does when the next server does not know RRVS.
type NoSupport uint8

// The actions. NoSupportUnspecified means the same as NoSupportReject.
const (
	NoSupportUnspecified NoSupport = iota
	NoSupportReject
	NoSupportContinue
)

var noSupportNames = []string{"", "R", "C"}

// String returns the action as it is written; NoSupportUnspecified is "".
func (n NoSupport) String() string { return nameOf(noSupportNames, n) }

// parseValidSince reads the value.
//
//	rrvs-param = "RRVS=" date-time [ ";" ( "C" / "R" ) ]
func parseValidSince(value string) (v ValidSince, ok bool) {
	since, action, has := strings.Cut(value, ";")
	v.Since, ok = Timestamp(since), true
	if has {
		v.NoSupport, ok = parseName[NoSupport](noSupportNames, action)
	}
	return v, ok && v.valid()
}

func (v ValidSince) valid() bool { return v.Since.isWhole() && v.NoSupport <= NoSupportContinue }

func (v ValidSince) append(dst []byte) []byte {
	dst = append(dst, v.Since...)
	if v.NoSupport != NoSupportUnspecified {
		dst = append(dst, ';')
		dst = append(dst, v.NoSupport.String()...)
	}
	return dst
}

package auth

import "fmt"

// TLSMode says how a client protects its connection. The zero value is safe.
type TLSMode uint8

const (
	// StartTLS upgrades the connection before anything of worth is sent, and
	// gives up if the server cannot: RFC 3207 for SMTP, RFC 2595 for POP3.
	StartTLS TLSMode = iota

	// ImplicitTLS begins with the handshake, on the ports 465 and 995. It is
	// what RFC 8314 section 3 prefers.
	ImplicitTLS

	// InsecureOpportunisticTLS upgrades if the server offers it, and goes on in
	// cleartext if not: anybody in the way can choose. It is how mail servers
	// meet mail servers that they have no policy for.
	InsecureOpportunisticTLS

	// InsecureNoTLS stays in cleartext.
	InsecureNoTLS
)

var tlsModeNames = [...]string{
	StartTLS:                 "starttls",
	ImplicitTLS:              "implicit",
	InsecureOpportunisticTLS: "insecure-opportunistic",
	InsecureNoTLS:            "insecure-none",
}

// String returns the name that [ParseTLSMode] takes.
func (m TLSMode) String() string {
	if int(m) < len(tlsModeNames) {
		return tlsModeNames[m]
	}
	return fmt.Sprintf("TLSMode(%d)", uint8(m))
}

// ParseTLSMode returns the mode of a name, for configurations: "starttls",
// "implicit", "insecure-opportunistic" or "insecure-none".
func ParseTLSMode(name string) (TLSMode, error) {
	for m, n := range tlsModeNames {
		if n == name {
			return TLSMode(m), nil
		}
	}
	return 0, fmt.Errorf("auth: unknown TLS mode %q", name)
}

package program

import (
	"crypto/tls"
	"fmt"

	"github.com/posthouse/posthouse/auth"
)

// ClientTLS reads the two flags by which a client says how to protect its
// connection: off, opportunistic, starttls (stls for POP3) or implicit, and a
// PEM file of the certificates to trust instead of the system's.
func ClientTLS(mode, caFile string) (auth.TLSMode, *tls.Config, error) {
	modes := map[string]auth.TLSMode{
		"off":           auth.InsecureNoTLS,
		"opportunistic": auth.InsecureOpportunisticTLS,
		"starttls":      auth.StartTLS,
		"stls":          auth.StartTLS,
		"implicit":      auth.ImplicitTLS,
	}
	m, ok := modes[mode]
	if !ok {
		return 0, nil, fmt.Errorf("-tls %s: want off, opportunistic, starttls or implicit", mode)
	}
	roots, err := RootCAs(caFile)
	if err != nil {
		return 0, nil, err
	}
	return m, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// Credentials returns those of a user with a password; nil without a user. A
// password goes over a connection without TLS only when the mode says off.
func Credentials(mode auth.TLSMode, user, password string) auth.Credentials {
	switch {
	case user == "":
		return nil
	case mode == auth.InsecureNoTLS:
		return auth.InsecurePassword(user, password)
	}
	return auth.Password(user, password)
}

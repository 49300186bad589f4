package smtp

import "github.com/posthouse/posthouse/auth"

// TLSMode says how a [Client] protects its connection. The zero value,
// [StartTLS], is safe.
type TLSMode = auth.TLSMode

// The modes, as package auth explains them.
const (
	StartTLS                 = auth.StartTLS                 // STARTTLS or nothing; the zero value
	ImplicitTLS              = auth.ImplicitTLS              // TLS from the first octet
	InsecureOpportunisticTLS = auth.InsecureOpportunisticTLS // STARTTLS if the server offers it, else cleartext
	InsecureNoTLS            = auth.InsecureNoTLS            // cleartext
)

package pop3

import "github.com/posthouse/posthouse/auth"

// TLSMode says how a [Client] protects its connection.
type TLSMode = auth.TLSMode

// The modes. RFC 8314 section 3 prefers ImplicitTLS; the zero value is StartTLS,
// which gives up if the server cannot do it.
const (
	StartTLS                 = auth.StartTLS                 // STLS, port 110
	ImplicitTLS              = auth.ImplicitTLS              // TLS from the first octet, port 995
	InsecureOpportunisticTLS = auth.InsecureOpportunisticTLS // STLS if it is offered
	InsecureNoTLS            = auth.InsecureNoTLS            // cleartext
)

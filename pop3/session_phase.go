package pop3

import "github.com/posthouse/posthouse/auth"

// The states of a session, RFC 1939 section 3, as auth.ConnectionState names
// them.
const (
	PhaseAuthorization auth.Phase = "AUTHORIZATION" // until the client has logged in
	PhaseTransaction   auth.Phase = "TRANSACTION"   // the maildrop is open
	PhaseUpdate        auth.Phase = "UPDATE"        // after QUIT, until the deletions are durable
)

// The server's session splits AUTHORIZATION in three. Nobody outside sees that.
const (
	phaseNamed    auth.Phase = "AUTHORIZATION, named"    // after USER: the one place for PASS
	phaseExchange auth.Phase = "AUTHORIZATION, exchange" // within AUTH: lines are responses
)

// Sets of phases for the table of commands.
var (
	inAuthorization = []auth.Phase{PhaseAuthorization, phaseNamed}
	inUnnamed       = []auth.Phase{PhaseAuthorization}
	inNamed         = []auth.Phase{phaseNamed}
	inTransaction   = []auth.Phase{PhaseTransaction}
	inBoth          = []auth.Phase{PhaseAuthorization, phaseNamed, PhaseTransaction}
)

// publicPhase returns the phase of RFC 1939 that a phase of the session is part
// of.
func publicPhase(p auth.Phase) auth.Phase {
	if p == phaseNamed || p == phaseExchange {
		return PhaseAuthorization
	}
	return p
}

package auth

import (
	"errors"
	"log/slog"
	"time"
)

// Event tells of one attempt to authenticate with a [Server], successful or
// not. It holds no password and no part of a client's response but the user
// name. A careless user types the password in the field for the name: treat
// the names of failed attempts with care. Its text in a log, which slog takes from
// LogValue, leaves them out.
type Event struct {
	State     ConnectionState // as it was when the attempt began; State.Identity is nil
	Mechanism string          // as in Identity
	User      string          // the user named, prepared if it could be; empty if it did not come so far
	Identity  *Identity       // who it is; nil if the attempt failed
	Err       error           // why it failed; nil if it did not
	Delay     time.Duration   // how long the Budget held the attempt up
}

// Outcome is the class of what came of an attempt. The text is for logs and metrics,
// and is stable.
type Outcome string

const (
	Succeeded   Outcome = "succeeded"
	Refused     Outcome = "refused"     // the credentials are wrong: ErrCredentials
	Malformed   Outcome = "malformed"   // the response broke the rules: a MalformedError
	Throttled   Outcome = "throttled"   // not looked at: ErrThrottled
	Unavailable Outcome = "unavailable" // it could not be found out
)

// Outcome returns the class of Err.
func (e Event) Outcome() Outcome {
	var malformed *MalformedError
	switch {
	case e.Err == nil:
		return Succeeded
	case errors.Is(e.Err, ErrCredentials):
		return Refused
	case errors.As(e.Err, &malformed):
		return Malformed
	case errors.Is(e.Err, ErrThrottled):
		return Throttled
	}
	return Unavailable
}

// LogValue implements [slog.LogValuer]: the outcome, the mechanism, the user if the
// attempt succeeded, the connection with the peer's address, and whether there was TLS.
// The reason is the outcome, and not the text of Err, which may quote what a verifier was
// told.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("outcome", string(e.Outcome())), slog.String("mechanism", e.Mechanism),
		slog.String("conn", e.State.ID), slog.String("proto", string(e.State.Protocol)), slog.Bool("tls", e.State.TLS != nil),
	}
	if e.State.RemoteAddr != nil {
		attrs = append(attrs, slog.String("peer", e.State.RemoteAddr.String()))
	}
	if e.Identity != nil {
		attrs = append(attrs, slog.String("user", e.Identity.User))
		if e.Identity.Name != e.Identity.User {
			attrs = append(attrs, slog.String("name", e.Identity.Name))
		}
	}
	if e.Delay > 0 {
		attrs = append(attrs, slog.Duration("delay", e.Delay))
	}
	return slog.GroupValue(attrs...)
}

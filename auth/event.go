package auth

import "context"

// Event tells of one attempt to authenticate with a [Server], successful or
// not. It holds no password and no part of a client's response but the user
// name. A careless user types the password in the field for the name: treat
// the names of failed attempts with care.
type Event struct {
	State     ConnectionState // as it was when the attempt began; State.Identity is nil
	Mechanism string          // as in Identity
	User      string          // the user named, prepared if it could be; empty if it did not come so far
	Identity  *Identity       // who it is; nil if the attempt failed
	Err       error           // why it failed; nil if it did not
}

func (s *Server) observe(ctx context.Context, e Event) {
	if s.Observe != nil {
		s.Observe(ctx, e)
	}
}

package auth

import (
	"context"
	"errors"
	"time"
)

var errOver = errors.New("auth: exchange is over")

// Exchange is one run of a SASL mechanism on the server's side
// (RFC 4422 section 3). It is made by [Server.Start] and is for one goroutine.
type Exchange struct {
	server    *Server
	state     ConnectionState
	mechanism string
	steps     mechanism // nil when it is over
	begun     bool
	user      string        // for the event
	end       func(error)   // tells the budget what came of the attempt; nil: it is not in one
	delay     time.Duration // how long the budget held it up
	identity  *Identity
	refusal   error // what the client will be told when it has answered
}

// A mechanism is the server's side of one run of a SASL mechanism: sasl.Server,
// with a context. It sets x.user when it learns it, and asks x.hold before it
// verifies anything that can be guessed. A non-nil Identity ends
// the exchange well, an error ends it badly. With a challenge beside the error the
// client is refused too, but is told why first.
type mechanism interface {
	next(ctx context.Context, x *Exchange, response []byte) (challenge []byte, id *Identity, err error)
}

// Next takes a response of the client, decoded, and returns the server's next
// challenge, to be encoded; or says that it is done. The first response is
// the initial response, nil if the client sent none, which differs from an
// empty one; a later response is never nil.
//
// An error ends the exchange: a [*MalformedError], [ErrCredentials] or an error
// that wraps it, or any other error for what should be temporary. Next keeps no
// part of response, and the challenge is valid until the next call.
func (x *Exchange) Next(ctx context.Context, response []byte) (challenge []byte, done bool, err error) {
	switch {
	case x.refusal != nil:
		// RFC 7628 section 3.2.3: the answer to an error message is a dummy.
		err, x.refusal = x.refusal, nil
		return nil, false, err
	case x.steps == nil:
		return nil, false, errOver
	case response == nil && x.begun:
		response = []byte{}
	}
	x.begun = true
	challenge, x.identity, err = x.steps.next(ctx, x, response)
	if err == nil && x.identity == nil {
		return challenge, false, nil
	}
	x.steps = nil
	x.decided(ctx, x.identity, err)
	if err != nil && challenge != nil {
		x.refusal = err
		return challenge, false, nil
	}
	return nil, err == nil, err
}

// Cancel ends the exchange as the client wishes. It returns what the attempt has
// come to already, if the client cancels when it has been told of a refusal: an
// error of Next, to be counted as such. Otherwise it was no attempt, and the error
// is nil.
func (x *Exchange) Cancel() error {
	refusal := x.refusal
	x.steps, x.refusal = nil, nil
	return refusal
}

// Mechanism returns the mechanism's registered name.
func (x *Exchange) Mechanism() string { return x.mechanism }

// Identity returns who the client is, once Next has said that it is done;
// before, and after an error, nil.
func (x *Exchange) Identity() *Identity { return x.identity }

// hold waits until an attempt to log in as this user may be verified.
func (x *Exchange) hold(ctx context.Context, user string) (err error) {
	x.user = user
	x.end, x.delay, err = x.server.budget().begin(ctx, x.state, user)
	return err
}

// decided tells the budget and the observer what came of the attempt.
func (x *Exchange) decided(ctx context.Context, id *Identity, err error) {
	if x.end != nil {
		x.end(err)
	}
	if x.server.Observe != nil {
		x.server.Observe(ctx, Event{
			State: x.state, Mechanism: x.mechanism, User: x.user, Identity: id, Err: err, Delay: x.delay,
		})
	}
}

package auth

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-sasl"
)

// maxTrace is the longest trace, in characters (RFC 4505 section 2).
const maxTrace = 255

// anonymousServer is the server's side of ANONYMOUS (RFC 4505).
type anonymousServer struct{}

func newAnonymousServer() mechanism { return anonymousServer{} }

func (anonymousServer) next(ctx context.Context, x *Exchange, response []byte) ([]byte, *Identity, error) {
	if response == nil {
		return []byte{}, nil, nil
	}
	trace := string(response)
	if !validTrace(trace) {
		return nil, nil, malformed("not a trace")
	}
	x.user = trace
	user, err := x.server.Anonymous(ctx, x.state, trace)
	if err != nil {
		return nil, nil, err
	}
	x.user = user
	return nil, &Identity{User: user, Name: user, Mechanism: x.mechanism}, nil
}

// validTrace holds a trace to RFC 4505 section 2 and the profile of section 3: no
// character that controls something, and none that is none.
func validTrace(trace string) bool {
	return utf8.ValidString(trace) && utf8.RuneCountInString(trace) <= maxTrace &&
		checkPrepared(strings.Map(mapTrace, trace)) == nil
}

// mapTrace replaces what SASLprep prohibits and this profile does not: blanks of
// all kinds (RFC 3454 table C.1.2).
func mapTrace(r rune) rune {
	if unicode.Is(nonASCIISpace, r) {
		return ' '
	}
	return r
}

// Anonymous returns credentials that show nothing: by ANONYMOUS, over TLS or not.
// The trace is an address of mail, or a word without an "@" that means something to
// the client's administrator; it may be empty. RFC 4505 section 2 wants the user to
// be asked before.
func Anonymous(trace string) Credentials { return anonymousCredentials{trace} }

type anonymousCredentials struct{ trace string }

func (a anonymousCredentials) Client(_ context.Context, _ ConnectionState, offered []string) (sasl.Client, error) {
	switch {
	case !validTrace(a.trace):
		return nil, malformed("not a trace")
	case !offers(offered, mechAnonymous):
		return nil, noMechanism(offered)
	}
	return sasl.NewAnonymousClient(a.trace), nil
}

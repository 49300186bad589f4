package auth

import (
	"bytes"
	"context"
)

// maxPlain is the longest message of PLAIN: three texts and two NULs.
const maxPlain = 3*maxText + 2

// plainServer is the server's side of PLAIN. The one of go-sasl cannot be
// used: its callback has no context, and its errors do not tell a malformed
// message from a wrong password, which SMTP answers differently.
type plainServer struct{}

func newPlainServer() mechanism { return plainServer{} }

func (plainServer) next(ctx context.Context, x *Exchange, response []byte) ([]byte, *Identity, error) {
	if response == nil {
		// RFC 4422 section 5: an empty challenge asks for what the client
		// did not send at once.
		return []byte{}, nil, nil
	}
	c, err := parsePlain(response)
	if err != nil {
		return nil, nil, err
	}
	id, err := x.verify(ctx, c)
	return nil, id, err
}

// parsePlain takes a message of PLAIN apart. RFC 4616 section 2:
//
//	message   = [authzid] UTF8NUL authcid UTF8NUL passwd
//	authcid   = 1*SAFE ; MUST accept up to 255 octets
//	authzid   = 1*SAFE ; MUST accept up to 255 octets
//	passwd    = 1*SAFE ; MUST accept up to 255 octets
//
// It holds the message to exactly this; the strings are copies.
func parsePlain(message []byte) (claim, error) {
	if len(message) > maxPlain {
		return claim{}, malformed("message too long")
	}
	name, rest, ok := bytes.Cut(message, []byte{0})
	if !ok {
		return claim{}, malformed("no NUL")
	}
	user, password, ok := bytes.Cut(rest, []byte{0})
	if !ok {
		return claim{}, malformed("only one NUL")
	}
	if bytes.IndexByte(password, 0) >= 0 {
		return claim{}, malformed("more than two NULs")
	}
	c := claim{name: string(name), user: string(user), password: string(password)}
	if reason := c.flaw(); reason != "" {
		return claim{}, malformed(reason)
	}
	return c, nil
}

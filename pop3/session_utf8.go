package pop3

import (
	"context"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// utf8 answers UTF8 (RFC 6856 section 2.1): from now on the client takes messages
// with headers in UTF-8.
//
// QUIRK: RFC 6856 section 2 allows the command in AUTHORIZATION only. We take it
// in TRANSACTION too, because there are clients that send it after PASS, and give
// up when it is refused.
func (s *session) utf8(_ context.Context, args []byte) reply {
	if err := (pop3wire.Bare{}).Parse(args); err != nil {
		return invalid(err)
	}
	s.unicode = true
	return okay("UTF-8 it is")
}

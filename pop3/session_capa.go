package pop3

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// capa answers CAPA (RFC 2449 section 5).
func (s *session) capa(_ context.Context, args []byte) reply {
	if err := (pop3wire.Bare{}).Parse(args); err != nil {
		return invalid(err)
	}
	return reply{ok: true, text: "capability list follows", body: (*session).writeCapabilities}
}

// writeCapabilities writes what is on offer on this connection. What AUTHORIZATION
// has, TRANSACTION lists too, though it is of no use there any more (RFC 2449
// section 5, RFC 5034 section 3). STLS is the exception (RFC 2595 section 8).
func (s *session) writeCapabilities() error {
	list := pop3wire.Capabilities{{Tag: pop3wire.TagTop}}
	if mechanisms := s.mechanisms(); len(mechanisms) > 0 {
		if slices.Contains(mechanisms, "PLAIN") {
			list = append(list, pop3wire.Capability{Tag: pop3wire.TagUser})
		}
		list = append(list, pop3wire.Capability{Tag: pop3wire.TagSASL, Params: mechanisms})
	}
	list = append(
		list,
		pop3wire.Capability{Tag: pop3wire.TagRespCodes},
		pop3wire.Capability{Tag: pop3wire.TagAuthRespCode},
		pop3wire.Capability{Tag: pop3wire.TagPipelining},
		pop3wire.Capability{Tag: pop3wire.TagUidl},
		pop3wire.Capability{Tag: pop3wire.TagUTF8, Params: []string{"USER"}},
	)
	list = s.capabilityPolicy().capabilities(list, s.server.UserPolicy != nil && s.phase != PhaseTransaction)
	if len(s.server.Languages) > 0 {
		list = append(list, pop3wire.Capability{Tag: pop3wire.TagLang})
	}
	if s.phase != PhaseTransaction && s.server.TLSConfig != nil && s.conn.TLS() == nil {
		list = append(list, pop3wire.Capability{Tag: pop3wire.TagStls})
	}
	lines, err := list.Append(nil)
	if err != nil {
		return err
	}
	if lines, err = s.server.implementation(lines); err != nil {
		return err
	}
	lines = append(lines, ".\r\n"...)
	for line := range bytes.Lines(lines) {
		s.conn.Trace('S', bytes.TrimSuffix(line, []byte("\r\n")))
	}
	_, err = s.conn.Writer().Write(lines)
	return err
}

// capabilityPolicy returns the policy that CAPA tells of.
func (s *session) capabilityPolicy() Policy {
	if s.phase == PhaseTransaction {
		return s.policy
	}
	return s.server.policy(nil)
}

// mechanisms returns the SASL mechanisms that this connection can use, or could
// before it logged in.
func (s *session) mechanisms() []string {
	cs := s.ConnectionState()
	cs.Identity = nil
	return s.server.Auth.Mechanisms(cs)
}

// passwords reports whether USER and PASS can succeed here: exactly where PLAIN
// can, which shows the same password.
func (s *session) passwords() bool { return slices.Contains(s.mechanisms(), "PLAIN") }

// implementation appends the capability IMPLEMENTATION, if there is one.
func (s *Server) implementation(dst []byte) ([]byte, error) {
	if s.Implementation == "" {
		return dst, nil
	}
	return pop3wire.Capability{Tag: pop3wire.TagImplementation, Params: strings.Fields(s.Implementation)}.Append(dst)
}

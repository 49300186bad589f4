package pop3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// log writes a line about this session.
func (s *session) log(level slog.Level, message string, args ...any) {
	if !s.logs(level) {
		return
	}
	about := []any{"conn", s.track.ID, "proto", string(auth.POP3), "peer", s.conn.RemoteAddr().String()}
	if s.identity != nil {
		about = append(about, "user", s.identity.User)
	}
	s.server.Log.Log(context.Background(), level, message, append(about, args...)...)
}

// logs reports whether lines of the level are wanted.
func (s *session) logs(level slog.Level) bool {
	return s.server.Log != nil && s.server.Log.Enabled(context.Background(), level)
}

// logReply writes what a command was refused for. The reasons of a Store are
// worth an operator's attention; the client's own mistakes are not.
func (s *session) logReply(verb pop3wire.Verb, r reply) {
	switch {
	case r.err != nil:
		s.log(slog.LevelError, "command failed", "verb", verb.String(), "code", r.code, "err", r.err)
	case !r.ok && !r.challenge && s.logs(slog.LevelDebug):
		s.log(slog.LevelDebug, "command refused", "verb", verb.String(), "code", r.code)
	}
}

// ended writes the session's last line.
func (s *session) ended(err error) {
	level := slog.LevelDebug
	if s.identity != nil {
		level = slog.LevelInfo
	}
	args := []any{"fetched", s.fetched, "octets", s.octets}
	if err != nil && err != io.EOF {
		args = append(args, "err", err)
	}
	s.log(level, "session ended", args...)
}

// traceLine shows the transcript what may be shown of a line received.
func (s *session) traceLine(line []byte) {
	switch {
	case !s.conn.Tracing():
	case s.phase != phaseExchange:
		s.conn.Trace('C', pop3wire.AppendPublic(nil, line))
	case string(line) == "*":
		s.conn.Trace('C', line)
	default:
		s.conn.Trace('C', []byte("****"))
	}
}

// traceReply shows the transcript the first line of a reply.
func (s *session) traceReply(r reply, line []byte) {
	switch {
	case !s.conn.Tracing():
	case r.challenge:
		s.conn.Trace('S', []byte("+ ****"))
	default:
		s.conn.Trace('S', bytes.TrimSuffix(line, []byte("\r\n")))
	}
}

// traceBody shows the transcript how long the rest of a reply was.
func (s *session) traceBody(n int64, unit string) {
	if s.conn.Tracing() {
		s.conn.Trace('S', fmt.Appendf(nil, "(%d %s)", n, unit))
		s.conn.Trace('S', []byte("."))
	}
}

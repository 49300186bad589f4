package pop3test

import (
	"strings"
	"sync"
)

// dialogue gathers the lines of all sessions.
type dialogue struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *dialogue) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(line)
}

// Transcript returns what was said so far in all sessions, as the server sees it:
// a line each, "C: " and "S: " and the text, without passwords and messages. Lines
// of sessions at the same time stand mixed. It is empty if Config.Transcript was
// changed.
func (s *Server) Transcript() string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.text.String()
}

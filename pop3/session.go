package pop3

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/internal/serve"
	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

var (
	errDraining       = errors.New("pop3: server is shutting down")
	errSessionTimeout = errors.New("pop3: session took too long")
)

// session is one connection to a Server. It belongs to one goroutine.
type session struct {
	server *Server
	track  *serve.Session
	conn   *conn.Conn
	wake   func() // conn.Interrupt
	began  time.Time
	clock  clock

	phase    auth.Phase
	unicode  bool           // since UTF8
	yielded  bool           // the maildrop was, while the last command was waited for
	language *Language      // nil for English
	newcomer *newcomer      // in AUTHORIZATION
	identity *auth.Identity // from TRANSACTION on
	drop     snapshot       // from TRANSACTION on
	policy   Policy         // from TRANSACTION on

	errors  int32 // commands refused
	fetched int32 // messages delivered whole
	octets  int64 // of all messages and tops

	pending *delivery // what RETR or TOP sends, or sent last; nil before the first
	scratch []byte    // for texts of replies
}

// newcomer is what there is to a client until it has logged in.
type newcomer struct {
	timestamp string         // of the greeting; empty without APOP
	name      string         // in phaseNamed: what USER said
	exchange  *auth.Exchange // in phaseExchange
	commands  int            // so far
	failures  int            // logins failed
}

// session serves one connection: it is the loop's Handle.
//
// A stack hardly ever shrinks, and that of an idle session lasts: what goes deep and is
// done once a session is done apart, or by a function of its own.
func (s *Server) session(ctx context.Context, track *serve.Session) {
	nc := track.Conn
	implicit, isImplicit := nc.(implicitConn)
	if isImplicit {
		nc = implicit.Conn
	}
	nc, err := track.Introduce(nc)
	if err != nil {
		if s.Log != nil {
			s.Log.InfoContext(ctx, "connection of a proxy refused", "conn", track.ID, "proto", string(auth.POP3), "err", err)
		}
		if errors.Is(err, serve.ErrCrowded) && nc.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
			s.refuse(track.Conn, 0)
		}
		return
	}
	c := s.newSession(track, nc)
	defer c.conn.Close()
	track.Bind(ctx, c.cut)
	c.startClock()
	defer c.stopClock()
	defer c.release() // also when a Store panics

	if isImplicit {
		err = c.conn.StartTLSServer(ctx, s.tls, s.handshakes)
	}
	if err == nil {
		err = c.run(ctx)
	}
	c.ended(err)
}

func (s *Server) newSession(track *serve.Session, nc net.Conn) *session {
	c := &session{server: s, track: track, began: time.Now(), phase: PhaseAuthorization, newcomer: new(newcomer)}
	c.conn = conn.New(nc, conn.Config{
		Timeout:    s.timeout(),
		MinRate:    s.MinRate,
		Transcript: s.transcript(track.ID, nc),
	})
	c.wake = c.conn.Interrupt
	return c
}

// transcript returns where the dialogue of a connection goes, or nil.
func (s *Server) transcript(id string, nc net.Conn) io.Writer {
	if s.Transcript == nil {
		return nil
	}
	return s.Transcript(auth.ConnectionState{
		ID: id, Protocol: auth.POP3, Phase: PhaseAuthorization,
		LocalAddr: nc.LocalAddr(), RemoteAddr: nc.RemoteAddr(),
	})
}

// ConnectionState returns what is known of the connection now.
func (s *session) ConnectionState() auth.ConnectionState {
	return auth.ConnectionState{
		ID:         s.track.ID,
		Protocol:   auth.POP3,
		Phase:      publicPhase(s.phase),
		LocalAddr:  s.conn.LocalAddr(),
		RemoteAddr: s.conn.RemoteAddr(),
		TLS:        s.conn.TLS(),
		Identity:   s.identity,

		LocalCertificate: s.conn.LocalCertificate(),
	}
}

// run speaks the protocol from the greeting to the end and returns why it ended,
// nil for QUIT.
func (s *session) run(ctx context.Context) error {
	s.status(okay(s.greeting()))
	for {
		line, err := s.readLine()
		if err != nil {
			return s.farewell(err)
		}
		s.traceLine(line)
		verb, r := s.handle(ctx, line)
		s.count(&r)
		if more, err := s.answer(ctx, verb, r); !more {
			return err
		}
	}
}

// greeting returns the text of the first line. It has a timestamp only if there is
// APOP: clients take it for an offer (RFC 1939 section 7).
func (s *session) greeting() string {
	text := "POP3 server ready"
	if s.server.Hostname != "" {
		text = s.server.Hostname + " " + text
	}
	if s.server.offersAPOP() {
		s.newcomer.timestamp = s.newTimestamp()
		text += " " + s.newcomer.timestamp
	}
	return text
}

// readLine returns the next line. What was answered so far leaves first, unless
// there is more to answer already: replies to pipelined commands travel
// together.
//
// Only while it waits for a command without having anything marked as deleted
// may a session be sent away by Shutdown.
func (s *session) readLine() ([]byte, error) {
	limit := pop3wire.MaxCommand
	if s.phase == phaseExchange {
		limit = auth.MaxResponse + len("\r\n")
	}
	if !s.conn.Reader().LineBuffered() {
		if err := s.conn.Flush(); err != nil {
			return nil, err
		}
		if s.drop.clean() {
			if !s.track.Idle(s.wake) {
				return nil, errDraining
			}
			defer s.track.Busy()
		} else if s.track.Draining() {
			s.conn.Resume() // it may have been woken just as its first mark came
		}
		if _, ok := s.drop.maildrop.(Yielder); ok && s.server.takeOverAfter() > 0 {
			s.await(s.server.takeOverAfter())
			defer func() { s.yielded = s.arrived() }()
		}
	}
	s.conn.SetReadTimeout(s.patience())
	return s.conn.ReadLine(limit)
}

// patience returns how long the server waits for the next line.
func (s *session) patience() time.Duration {
	idle := s.server.idleTimeout()
	if s.newcomer == nil {
		return idle
	}
	return max(min(idle, time.Until(s.loginBy())), time.Nanosecond)
}

// loginBy returns when the client must have logged in.
func (s *session) loginBy() time.Time { return s.began.Add(s.server.loginTimeout()) }

// farewell tells the client why it is sent away, where that is any use. A client
// that was silent for too long is told nothing (RFC 1939 section 3).
func (s *session) farewell(err error) error {
	var framing *textwire.FramingError
	switch {
	case errors.Is(err, errDraining), errors.Is(err, conn.ErrInterrupted):
		err = errDraining
		s.status(reply{code: CodeSysTemp, text: "server is shutting down"})
	case errors.As(err, &framing):
		s.status(refuse("lines end with CRLF, and hold no CR, LF or NUL"))
	case errors.Is(err, textwire.ErrLineTooLong):
		s.status(refuse("line too long"))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		// A client that says no more may listen still for what it is owed.
	default:
		return err
	}
	_ = s.conn.Flush() // err says more
	return err
}

// count counts a reply against the limits of its session: it is late when half of
// them is used up, and the last one when they are reached.
func (s *session) count(r *reply) {
	if n := s.newcomer; n != nil && r.next == goOn {
		if n.commands++; n.commands >= s.server.maxLoginCommands() {
			*r = reply{text: "too many commands without a login", next: hangUp}
			return
		}
	}
	if r.ok || r.challenge || r.excused || r.next == hangUp {
		return
	}
	s.errors++
	limit := s.server.maxErrors()
	if s.phase == PhaseTransaction {
		limit *= 2
	}
	if 2*int(s.errors) >= limit {
		r.pause = max(r.pause, s.server.errorDelay())
	}
	if int(s.errors) >= limit {
		r.text, r.made, r.next = "too many errors", nil, hangUp
	}
	if n := s.newcomer; n != nil && n.failures >= s.server.maxAuthFailures() {
		r.text, r.made, r.next = "too many failed logins", nil, hangUp
	}
}

// answer writes the reply to a command and does what follows from it. more is
// false when the session is over; err then says why, nil for QUIT.
func (s *session) answer(ctx context.Context, verb pop3wire.Verb, r reply) (more bool, err error) {
	s.logReply(verb, r)
	if r.pause > 0 {
		if err := s.hold(ctx, r.pause); err != nil {
			return false, err
		}
	}
	s.status(r)
	if r.body != nil {
		s.conn.BeginBody()
		err := r.body(s)
		s.conn.EndBody()
		if err != nil {
			return false, err
		}
	}
	switch r.next {
	case hangUp:
		if err := s.conn.Flush(); err != nil || verb == pop3wire.QUIT {
			return false, err
		}
		return false, errors.New("pop3: " + r.text)
	case upgrade:
		return s.startTLS(ctx)
	}
	return true, nil
}

// status writes the first line of a reply. It stays in the Writer, whose error is
// reported when it is flushed.
func (s *session) status(r reply) {
	w := s.conn.Writer()
	line := w.AvailableBuffer()
	switch {
	case r.challenge:
		line = pop3wire.AppendChallenge(line, r.made)
	case s.language != nil:
		line = pop3wire.AppendStatusUTF8(line, r.ok, r.code, s.translated(r))
	case r.made != nil:
		line = pop3wire.AppendStatus(line, r.ok, r.code, r.made)
	default:
		line = pop3wire.AppendStatus(line, r.ok, r.code, r.text)
	}
	w.Write(line)
	s.traceReply(r, line)
}

// translated returns the text of a reply in the client's language.
func (s *session) translated(r reply) string {
	text := r.text
	if r.made != nil {
		text = string(r.made)
	}
	if r.data || text == "" {
		return text
	}
	return s.language.translate(text)
}

// hold waits before a reply that refuses. What was answered before leaves
// first, so that no buffer waits too. Shutdown and Close cut the wait short.
func (s *session) hold(ctx context.Context, d time.Duration) error {
	if err := s.conn.Flush(); err != nil {
		return err
	}
	wait := time.NewTimer(d)
	defer wait.Stop()
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	if !s.track.Idle(wake) {
		return nil
	}
	defer s.track.Busy()
	select {
	case <-wait.C:
	case <-woken:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// forgetUser takes back what USER said.
func (s *session) forgetUser() {
	if s.phase == phaseNamed {
		s.phase, s.newcomer.name = PhaseAuthorization, ""
	}
}

// release closes the maildrop, if it is open.
func (s *session) release() {
	if s.drop.maildrop == nil {
		return
	}
	err := s.drop.maildrop.Close()
	s.drop = snapshot{}
	if err != nil {
		s.log(slog.LevelError, "maildrop not closed cleanly", "err", err)
	}
}

package smtp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/internal/serve"
	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// The phases of a server's session, as [auth.ConnectionState] shows them.
const (
	PhaseConnected  auth.Phase = "connected"  // no HELO or EHLO yet, or none since TLS began
	PhaseRefused    auth.Phase = "refused"    // the greeting was a refusal; only QUIT is left
	PhaseGreeted    auth.Phase = "greeted"    // between transactions
	PhaseMail       auth.Phase = "mail"       // there is a sender
	PhaseRecipients auth.Phase = "recipients" // there is a recipient
	PhaseData       auth.Phase = "data"       // the message is on its way
	PhaseChunks     auth.Phase = "chunks"     // the message is on its way, and another BDAT is awaited
	PhaseFailed     auth.Phase = "failed"     // a BDAT was refused; RSET is awaited
	PhaseClosing    auth.Phase = "closing"    // the last reply was given
)

// Lengths of command lines in octets, CRLF included.
const (
	// RFC 5321 section 4.5.3.1.4 has 512. MAIL may be longer by 26 for SIZE (RFC 1870),
	// 17 for BODY (RFC 6152) and 500 for AUTH (RFC 4954 section 3): no command needs
	// more than this.
	longestCommand = 2048

	// RFC 4954 section 4: a line of an authentication exchange, with CRLF.
	longestAuthLine = auth.MaxResponse + len("\r\n")
)

// session is one connection of a server. Its goroutine alone uses it.
//
// A handler of a command returns a reply, and may set then; only loop and send write.
type session struct {
	srv  *Server
	link *serve.Session
	conn *conn.Conn
	ctx  context.Context
	log  *slog.Logger
	wake func()

	phase     phase
	announced bool     // by XCLIENT it was said for whom peer speaks
	extended  bool     // EHLO, not HELO
	peer      net.Addr // who speaks, behind its PROXY header if there is one; state has for whom
	peerName  string   // the domain of whom it speaks for, if it said that
	state     auth.ConnectionState
	then      func(*session) smtpwire.Reply // what goes on when the reply has left

	asking   patience // with hooks
	handling patience // with the handler
	exchange *auth.Exchange
	tx       *Transaction
	domains  map[string]bool // of recipients so far, where their number is limited
	intake   *intake         // nil before the first MAIL or BDAT

	tally        tally
	began        time.Time
	serial       int // transactions so far
	life         *time.Timer
	expired      atomic.Bool // the session has used up its time
	errors       int         // 5xx since the last message
	idle         int         // commands since the last message that moved none along
	authFailures int
}

// intake is what a session needs to take mail, and one that only waits goes without.
type intake struct {
	mail    smtpwire.Mail // where MAIL is parsed into
	rcpt    smtpwire.Rcpt
	dotted  dotted
	chunked chunked
}

// takes returns the session's intake, made when it is first needed.
func (s *session) takes() *intake {
	if s.intake == nil {
		s.intake = new(intake)
	}
	return s.intake
}

// handle is a connection from its beginning to its end.
//
// A stack hardly ever shrinks, and that of an idle session lasts: what is done once is
// done by others, so that little of the stack is taken while the session waits.
func (s *Server) handle(ctx context.Context, link *serve.Session) {
	nc := link.Conn
	secure := beginsWithTLS(nc)
	if implicit, ok := nc.(implicitTLSConn); ok {
		nc = implicit.Conn
	}
	c := s.newSession(ctx, link, nc)
	refusal, err := c.prepare(nc, secure)
	if err != nil {
		c.log.InfoContext(c.ctx, "connection lost before the session", "err", err)
		return
	}
	c.connect(nc)
	defer c.conn.Close()
	link.Bind(c.ctx, c.conn.Abort)
	if s.ConnContext != nil {
		defer c.conn.Bind(c.ctx)() // it may end sooner than the session's
	}
	c.startLife()
	defer c.endLife()
	c.tally[countSessions]++
	c.report()
	defer func() {
		c.tally[countEnded]++
		c.report()
	}()
	c.begins()
	c.run(secure, refusal)
	c.ends()
}

func (s *Server) newSession(ctx context.Context, link *serve.Session, nc net.Conn) *session {
	c := &session{srv: s, link: link, began: time.Now(), peer: nc.RemoteAddr(), phase: phaseConnected, state: auth.ConnectionState{
		ID: link.ID, Protocol: s.protocol(), LocalAddr: nc.LocalAddr(), RemoteAddr: nc.RemoteAddr(),
	}}
	if s.ConnContext != nil {
		ctx = s.ConnContext(ctx, c.connectionState())
	}
	c.ctx = ctx
	c.log = c.nobodysLog()
	return c
}

// connect makes the connection, which the session minds from now on.
func (s *session) connect(nc net.Conn) {
	cfg := conn.Config{Timeout: s.srv.Timeout, MinRate: s.srv.MinRate}
	if s.srv.Transcript != nil {
		cfg.Transcript = s.srv.Transcript(s.connectionState())
	}
	s.conn = conn.New(nc, cfg)
	s.wake = s.conn.Interrupt
}

func (s *session) begins() {
	s.log.InfoContext(s.ctx, "session begins")
	if trace := s.srv.Trace; trace != nil && trace.Begin != nil {
		trace.Begin(s.connectionState())
	}
}

func (s *session) ends() {
	if trace := s.srv.Trace; trace != nil && trace.End != nil {
		trace.End(s.connectionState(), time.Since(s.began))
	}
	s.log.InfoContext(s.ctx, "session ends", "phase", string(s.phase.name()), "transactions", s.serial)
}

// prepare reads and waits for what comes before anything is said. The reply, if there is
// one, is the only one that the peer gets.
func (s *session) prepare(nc net.Conn, secure bool) (refusal smtpwire.Reply, err error) {
	if serve.Within(s.peer, s.srv.ProxyFrom) {
		if refusal, err = s.readProxy(nc); err != nil || refusal.Code != 0 {
			return refusal, err
		}
	}
	if s.srv.GreetPause > 0 && !secure {
		waits, err := awaitsGreeting(nc, s.srv.GreetPause)
		if !waits {
			refusal = replyEarlyTalker
		}
		return refusal, err
	}
	return refusal, nil
}

// run speaks with the peer until one of both ends it. A panic of a hook ends here.
func (s *session) run(secure bool, refusal smtpwire.Reply) {
	defer func() {
		if v := recover(); v != nil {
			s.logPanic(v)
			s.send(replyFailure)
			_ = s.conn.Flush()
		}
	}()
	switch {
	case secure && !s.secure():
		return
	case refusal.Code != 0:
		s.phase = phaseClosing
		s.send(refusal)
	default:
		s.send(s.greeting())
		s.loop()
	}
	_ = s.conn.Flush()
}

// loop reads a command, has it handled and sends the reply, over and over.
func (s *session) loop() {
	for s.phase != phaseClosing {
		line, err := s.readCommand()
		if err != nil {
			s.send(s.readFailed(err))
			return
		}
		s.obey(line)
	}
}

// obey has a command handled and sends the reply.
func (s *session) obey(line []byte) {
	verb, args := smtpwire.SplitVerb(line)
	s.send(s.dispatch(verb, args, line))
	for s.then != nil && s.phase != phaseClosing && s.flush() {
		then := s.then
		s.then = nil
		s.send(then(s))
	}
	// RFC 2920 section 3.2: other replies are not held back. The one that accepts a
	// message is urgent: until it is there the peer may send the message again,
	// RFC 1047.
	if commands[verb].flags&grouped == 0 {
		s.flush()
	}
}

// flush sends the replies that wait. It reports false, and ends the session, when that
// is not possible.
func (s *session) flush() bool {
	if s.conn.Flush() != nil {
		s.phase = phaseClosing
		return false
	}
	return true
}

// readCommand reads a command line. When it has to wait for one, or for the rest of one,
// which ends a pipelined group, it sends the replies that wait: RFC 2920 section 3.2.
func (s *session) readCommand() ([]byte, error) {
	most := longestCommand
	if s.srv.Auth != nil && s.phase == phaseGreeted && s.state.Identity == nil {
		most = longestAuthLine
	}
	if s.conn.Reader().LineBuffered() {
		return s.conn.ReadLine(most)
	}
	s.report()
	if err := s.conn.Flush(); err != nil {
		return nil, err
	}
	if s.phase.within(inTransaction | inChunks) {
		return s.conn.ReadLine(most)
	}
	return s.readIdle(most)
}

// readIdle waits for a line with nothing under way that would be lost: Shutdown does not
// let the peer come to it.
func (s *session) readIdle(most int) ([]byte, error) {
	if !s.link.Idle(s.wake) {
		return nil, conn.ErrInterrupted
	}
	line, err := s.conn.ReadLine(most)
	s.link.Busy()
	return line, err
}

// readFailed gives the last reply of a session that cannot read on. The zero Reply
// means that there is nobody to reply to.
func (s *session) readFailed(err error) smtpwire.Reply {
	s.phase = phaseClosing
	var framing *FramingError
	switch {
	case errors.Is(err, conn.ErrInterrupted) && s.expired.Load() && !s.link.Draining():
		return replyTooLong
	case errors.Is(err, conn.ErrInterrupted):
		return replyShutdown
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.tally[countTimeouts]++
		return replyTimeout
	case errors.Is(err, textwire.ErrLineTooLong):
		return replyLineTooLong
	case errors.As(err, &framing):
		return replyFraming
	}
	if !errors.Is(err, io.EOF) {
		s.log.InfoContext(s.ctx, "connection lost", "err", err)
	}
	return smtpwire.Reply{}
}

// dispatch finds the handler of a command and calls it.
func (s *session) dispatch(verb smtpwire.Verb, args, line []byte) smtpwire.Reply {
	if s.conn.Tracing() {
		s.conn.Trace('C', smtpwire.AppendPublic(nil, line))
	}
	s.tally[countCommands]++
	begin := time.Time{}
	if trace := s.srv.Trace; trace != nil && trace.Command != nil {
		begin = time.Now()
	}
	r := s.handleCommand(verb, args, line)
	s.tell(verb, r.Code, begin)
	if commands[verb].flags&bare != 0 {
		// RFC 2034 section 4: replies to HELO and EHLO have no enhanced code.
		r.Enhanced = smtpwire.EnhancedCode{}
	}
	return r
}

// tell tells the trace, if begin is not zero, and the log of a command.
func (s *session) tell(verb smtpwire.Verb, code int, begin time.Time) {
	if !begin.IsZero() {
		s.srv.Trace.Command(s.connectionState(), verb.String(), code, time.Since(begin))
	}
	if s.log.Enabled(s.ctx, slog.LevelDebug) {
		s.log.LogAttrs(s.ctx, slog.LevelDebug, "command", slog.String("verb", verb.String()), slog.Int("code", code))
	}
}

func (s *session) handleCommand(verb smtpwire.Verb, args, line []byte) smtpwire.Reply {
	c := &commands[verb]
	r := s.objection(verb, args, line)
	switch {
	case r.Code == 0:
		return c.run(s, args)
	case c.flags&counted != 0 && s.phase != phaseClosing:
		return s.skipChunk(args, r)
	}
	return r
}

// objection says why a command is not even looked at. The zero Reply means that it is.
func (s *session) objection(verb smtpwire.Verb, args, line []byte) smtpwire.Reply {
	c := &commands[verb]
	lmtp := s.state.Protocol == auth.LMTP
	switch {
	case len(line)+len("\r\n") > longestCommand && verb != smtpwire.AUTH:
		s.phase = phaseClosing
		return replyLineTooLong
	case s.phase == phaseRefused && verb != smtpwire.QUIT:
		// RFC 5321 section 3.1: behind a greeting of 554 all but QUIT is 503.
		return replySequence
	case verb == smtpwire.Unknown:
		return s.unknown(line)
	case lmtp && c.flags&smtpOnly != 0, !lmtp && c.flags&lmtpOnly != 0:
		// RFC 2033 section 4.1.
		return replyUnknown
	case c.flags&preTLS == 0 && s.srv.RequireTLS && s.state.TLS == nil:
		// RFC 3207 section 4.
		return replyTLSFirst
	case c.flags&idle != 0 && s.tooIdle():
		return replyTooIdle
	case !s.phase.within(c.in) && s.phase == phaseConnected && lmtp:
		return replyLHLOFirst
	case !s.phase.within(c.in) && s.phase == phaseConnected:
		return replyHelloFirst
	case !s.phase.within(c.in):
		return replySequence
	case c.flags&noArgs != 0 && len(args) > 0:
		return replyNoArgs
	case c.flags&extension != 0 && !s.extended:
		return replyExtendedFirst
	}
	return smtpwire.Reply{}
}

// send gathers a reply; it leaves with the others of its group. All replies pass here:
// errors are counted, and 421 and 221 end the session.
func (s *session) send(r smtpwire.Reply) {
	if r.Code == 0 {
		return
	}
	if r.Code >= 500 && s.outlasts() && s.phase != phaseClosing {
		r = replyTooManyErrors
	}
	if r.Code >= 400 && s.phase != phaseClosing {
		s.tarpit()
	}
	s.reply(r)
}

// reply is send for the replies that are no verdict on what the peer did.
func (s *session) reply(r smtpwire.Reply) {
	switch {
	case r.Code >= 500:
		s.tally[countPermanent]++
	case r.Code >= 400:
		s.tally[countTemporary]++
	}
	if r.Code == 421 || r.Code == 221 {
		s.phase = phaseClosing
	}
	w := s.conn.Writer()
	b := r.Append(w.AvailableBuffer())
	if s.conn.Tracing() {
		s.conn.Trace('S', publicReply(r, b))
	}
	_, _ = w.Write(b) // its error is sticky, and met by Flush
}

// publicReply is what a transcript shows of a reply: of a challenge, the code.
func publicReply(r smtpwire.Reply, b []byte) []byte {
	if r.Code == 334 {
		return []byte("334 ***")
	}
	return b
}

// connectionState returns the state as hooks and verifiers see it.
func (s *session) connectionState() auth.ConnectionState {
	s.state.Phase = s.phase.name()
	return s.state
}

// refusal makes the reply of a hook's or a handler's error.
func (s *session) refusal(err error) smtpwire.Reply {
	var e *Error
	var op *opError
	switch {
	case errors.As(err, &e) && e != nil && !errors.As(err, &op):
		return s.moved(e.reply())
	case errors.Is(err, errPanic):
		return replyFailure
	}
	s.log.ErrorContext(s.ctx, "hook or handler failed", "err", err)
	return replyLocalError
}

// nobodysLog returns the session's log as it is before anybody has authenticated.
func (s *session) nobodysLog() *slog.Logger {
	if s.srv.Log == nil {
		return s.srv.log()
	}
	return s.srv.log().With("conn", s.state.ID, "proto", string(s.state.Protocol), "peer", peerName(s.state.RemoteAddr))
}

// logPanic is called while v unwinds the stack. A panic is a mistake in the program,
// which has to be told even if it asked for no log.
func (s *session) logPanic(v any) {
	s.tally[countPanics]++
	log := s.log
	if s.srv.Log == nil {
		log = slog.Default()
	}
	log.ErrorContext(s.ctx, "panic in hook or handler", "panic", v, "stack", string(debug.Stack()))
}

// reset forgets the transaction.
func (s *session) reset() {
	s.tx = nil
	if s.phase.within(inTransaction | inChunks | phaseData) {
		s.phase = phaseGreeted
	}
}

// mayRelay reports whether the peer may send to recipients that are not local.
func (s *session) mayRelay() bool {
	if anonymous := s.state.Identity.Anonymous(); !anonymous || s.srv.MayRelay == nil {
		return !anonymous
	}
	defer s.answered()
	return s.srv.MayRelay(s.ask(), s.connectionState())
}

func peerName(a net.Addr) string {
	if ip, ok := addrOf(a); ok {
		return ip.String()
	}
	if a == nil {
		return ""
	}
	return a.String()
}

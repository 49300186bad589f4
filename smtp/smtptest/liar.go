package smtptest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testpeer"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// liars puts somebody in the middle of connections that are to suffer faults.
type liars struct {
	net.Listener
	s *Server
}

func (l liars) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.s.mu.Lock()
	table := l.s.table
	l.s.mu.Unlock()
	if len(table) == 0 {
		return nc, nil
	}
	near, far := testpeer.Pipe(nc.RemoteAddr(), nc.LocalAddr())
	m := &liar{s: l.s, table: table, seen: make([]int, len(table))}
	m.client.use(nc)
	m.server.use(near)
	l.s.serving.Go(m.run)
	return far, nil
}

// errDone ends a connection.
var errDone = errors.New("smtptest: done")

// liar is between a client and the server, and says what the faults tell it to.
type liar struct {
	s     *Server
	table []*armed
	seen  []int // by fault: replies that it was asked about

	client, server side
	accepted       int  // recipients, as the client sees it
	taken          int  // recipients, as the server sees it
	amid           bool // a message, of which chunks have come
}

// side is a connection with one of the two.
type side struct {
	net.Conn
	r *bufio.Reader
}

func (s *side) use(nc net.Conn) { s.Conn, s.r = nc, bufio.NewReader(nc) }

func (m *liar) run() {
	stop := context.AfterFunc(m.s.ending, func() { _ = m.client.Close() })
	defer func() {
		stop()
		_ = m.client.Close()
		_ = m.server.Close()
	}()
	if m.s.ImplicitTLS && m.handshake() != nil {
		return
	}
	if m.relay(AtConnect, nil) != nil {
		return
	}
	for {
		line, err := m.command()
		if err != nil || m.obey(line) != nil {
			return
		}
	}
}

// command reads the client's next.
func (m *liar) command() ([]byte, error) { return m.client.r.ReadBytes('\n') }

// obey lets one command take its way.
func (m *liar) obey(line []byte) error {
	verb, args := smtpwire.SplitVerb(bytes.TrimRight(line, "\r\n"))
	switch verb {
	case smtpwire.EHLO, smtpwire.HELO, smtpwire.LHLO:
		return m.relay(AtEHLO, line)
	case smtpwire.MAIL:
		m.amid = false
		return m.relay(AtMAIL, line)
	case smtpwire.RCPT:
		return m.recipient(line)
	case smtpwire.DATA:
		return m.data(line)
	case smtpwire.BDAT:
		return m.chunk(line, string(args))
	case smtpwire.STARTTLS:
		return m.startTLS(line)
	case smtpwire.AUTH:
		return m.authenticate(line)
	case smtpwire.RSET:
		m.accepted, m.taken = 0, 0
		return m.relay(AtRSET, line)
	case smtpwire.NOOP:
		return m.relay(AtNOOP, line)
	case smtpwire.QUIT:
		if err := m.relay(AtQUIT, line); err != nil {
			return err
		}
		return errDone
	}
	return m.relay(AtOther, line)
}

// relay passes a command on, if there is one, and the reply back.
func (m *liar) relay(at At, line []byte) error {
	_, err := m.exchange(at, line)
	return err
}

// exchange is relay that returns what the client was told.
func (m *liar) exchange(at At, line []byte) (said []byte, err error) {
	f := m.fault(at)
	var reply []byte
	if !f.refuses() {
		if reply, err = m.ask(line); err != nil {
			return nil, err
		}
	}
	return m.tell(f, reply)
}

// ask passes octets on and returns the server's reply.
func (m *liar) ask(octets []byte) ([]byte, error) {
	if _, err := m.server.Write(octets); err != nil {
		return nil, err
	}
	return m.hear()
}

// hear returns the server's next reply.
func (m *liar) hear() (reply []byte, err error) {
	for {
		line, err := m.server.r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		reply = append(reply, line...)
		if len(line) < 4 || line[3] != '-' {
			return reply, nil
		}
	}
}

// hearAll returns the server's replies to a whole message: by LMTP (RFC 2033 section
// 4.2), or with PRDR behind a 353, there is one for each recipient. What was said before
// the connection ended is said.
func (m *liar) hearAll() (replies []byte, err error) {
	left := 1
	if m.s.Config.Protocol == auth.LMTP {
		left = m.taken
	}
	for ; left > 0; left-- {
		reply, err := m.hear()
		if err != nil && len(replies) == 0 {
			return nil, err
		}
		if bytes.HasPrefix(reply, []byte("353")) {
			left += m.taken + 1
		}
		replies = append(replies, reply...)
	}
	m.taken = 0
	return replies, nil
}

// fault returns what goes wrong with the reply that is due; nil if nothing does.
func (m *liar) fault(at At) *Fault {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for i, f := range m.table {
		any := f.At == AtAny && at != AtTLS && at != AtBody && at != AtIdle
		if f.At != at && !any {
			continue
		}
		if m.seen[i]++; m.seen[i] <= f.Skip || f.left == 0 {
			continue
		}
		if f.left > 0 {
			f.left--
		}
		return &f.Fault
	}
	return nil
}

// tell says the reply, or what the fault makes of it, and returns what was said.
func (m *liar) tell(f *Fault, reply []byte) ([]byte, error) {
	if f == nil {
		_, err := m.client.Write(reply)
		return reply, err
	}
	words := f.words(reply)
	if err := m.wait(f.Delay); err != nil {
		return nil, err
	}
	for {
		if err := m.drip(words, f.Drip); err != nil {
			return nil, err
		}
		if !f.Endless || len(words) == 0 {
			break
		}
	}
	return words, m.end(f.Then)
}

func (m *liar) drip(words []byte, pause time.Duration) error {
	if pause <= 0 {
		_, err := m.client.Write(words)
		return err
	}
	for i := range words {
		if err := m.wait(pause); err != nil {
			return err
		}
		if _, err := m.client.Write(words[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// wait lets time pass, unless the server is closed meanwhile.
func (m *liar) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-m.s.ending.Done():
		return errDone
	}
}

// end does what comes then. Its error ends the connection.
func (m *liar) end(then Then) error {
	switch then {
	case GoOn:
		return nil
	case Reset:
		if tcp, ok := m.client.socket().(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = m.client.socket().Close()
	case HalfClose, Close:
		closeWrite(m.client.Conn)
		if then == Close {
			// What the client has sent must be read, or it may lose what it was told.
			closeWrite(m.client.socket())
			_ = m.client.SetReadDeadline(time.Now().Add(time.Second))
		}
		fallthrough
	case Stall:
		_, _ = io.Copy(io.Discard, m.client.r)
	}
	return errDone
}

// socket is what the connection stands on when it is TLS, and else itself.
func (s *side) socket() net.Conn {
	if secured, ok := s.Conn.(*tls.Conn); ok {
		return secured.NetConn()
	}
	return s.Conn
}

func closeWrite(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

func (m *liar) recipient(line []byte) error {
	f := m.fault(AtRCPT)
	var reply []byte
	if !f.refuses() {
		var err error
		if reply, err = m.ask(line); err != nil {
			return err
		}
	}
	said, err := m.tell(f, reply)
	if bytes.HasPrefix(reply, []byte("2")) {
		m.taken++
	}
	if bytes.HasPrefix(said, []byte("2")) {
		m.accepted++
	}
	return err
}

// forget has the server forget a transaction that the client is to hear otherwise of.
func (m *liar) forget() error {
	m.taken = 0
	_, err := m.ask([]byte("RSET\r\n"))
	return err
}

func (m *liar) startTLS(line []byte) error {
	f := m.fault(AtSTARTTLS)
	var reply []byte
	if !f.refuses() {
		var err error
		if reply, err = m.ask(line); err != nil {
			return err
		}
	}
	if _, err := m.tell(f, reply); err != nil {
		return err
	}
	if !bytes.HasPrefix(reply, []byte("220")) {
		return nil
	}
	return m.handshake()
}

// handshake begins TLS on both sides.
func (m *liar) handshake() error {
	if f := m.fault(AtTLS); f != nil {
		if _, err := m.tell(f, nil); err != nil {
			return err
		}
	}
	// It is our own server, in our own memory.
	secured := tls.Client(m.server.Conn, &tls.Config{InsecureSkipVerify: true})
	if err := secured.HandshakeContext(m.s.ending); err != nil {
		return err
	}
	m.server.use(secured)
	facing := tls.Server(m.client.Conn, m.s.Config.TLSConfig)
	if err := facing.HandshakeContext(m.s.ending); err != nil {
		return err
	}
	m.client.use(facing)
	return nil
}

func (m *liar) authenticate(line []byte) error {
	for {
		said, err := m.exchange(AtAUTH, line)
		if err != nil || !bytes.HasPrefix(said, []byte("334")) {
			return err
		}
		if line, err = m.command(); err != nil {
			return err
		}
	}
}

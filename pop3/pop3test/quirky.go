package pop3test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// quirkyServer is the simple server that has Quirks.
type quirkyServer struct {
	*Server
	quirks   Quirks
	sessions sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	conns   map[net.Conn]bool
	fetched map[string]bool // names and unique-ids that HideFetched hides
}

func newQuirkyServer(s *Server) *quirkyServer {
	return &quirkyServer{Server: s, quirks: *s.Quirks, conns: map[net.Conn]bool{}, fetched: map[string]bool{}}
}

func (q *quirkyServer) serve(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		if !q.track(nc) {
			return
		}
		q.sessions.Go(func() {
			defer q.untrack(nc)
			s := &quirkySession{quirkyServer: q}
			if q.ImplicitTLS {
				s.secure(nc)
			} else {
				s.use(nc)
			}
			s.run()
		})
	}
}

func (q *quirkyServer) track(nc net.Conn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		_ = nc.Close()
		return false
	}
	q.conns[nc] = true
	return true
}

func (q *quirkyServer) untrack(nc net.Conn) {
	q.mu.Lock()
	delete(q.conns, nc)
	q.mu.Unlock()
	_ = nc.Close()
}

// close cuts all connections and waits for their sessions.
func (q *quirkyServer) close() {
	q.mu.Lock()
	q.closed = true
	for nc := range q.conns {
		_ = nc.Close()
	}
	q.mu.Unlock()
	q.sessions.Wait()
}

// quirkySession is one connection.
type quirkySession struct {
	*quirkyServer
	conn net.Conn
	r    *bufio.Reader
	w    bytes.Buffer // the replies to a group of commands
	log  io.Writer    // nil for none

	group    int // commands that came together with the one that is answered, before it
	grouped  bool
	tls      bool
	user     string
	identity *auth.Identity
	drop     pop3.Maildrop
	list     []pop3.Info
	deleted  []bool
	over     bool
}

func (s *quirkySession) use(nc net.Conn) {
	s.conn, s.r = nc, bufio.NewReaderSize(nc, 64<<10)
	if s.Config.Transcript != nil && s.log == nil {
		s.log = s.Config.Transcript(auth.ConnectionState{Protocol: auth.POP3, LocalAddr: nc.LocalAddr(), RemoteAddr: nc.RemoteAddr()})
	}
}

func (s *quirkySession) secure(nc net.Conn) {
	s.tls = true
	s.use(tls.Server(nc, s.Config.TLSConfig))
}

func (s *quirkySession) run() {
	defer func() {
		if s.drop != nil {
			_ = s.drop.Close()
		}
	}()
	s.ok("%s ready", serverName)
	for !s.over {
		if s.r.Buffered() == 0 {
			if s.flush() != nil {
				return
			}
			s.group, s.grouped = 0, false
		}
		line, err := s.r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.trace('C', string(pop3wire.AppendPublic(nil, []byte(line))))
		s.grouped = s.grouped || s.r.Buffered() > 0
		s.take(line)
		s.group++
	}
	_ = s.flush()
}

// take answers a command as Pipelining says.
func (s *quirkySession) take(line string) {
	switch {
	case !s.grouped || s.quirks.Pipelining == Pipelines:
		s.command(line)
	case s.quirks.Pipelining == RefusesGroups:
		s.err("one command at a time")
	case s.quirks.Pipelining == AnswersTogether:
		s.answerTogether(line)
	case s.group == 0:
		s.command(line)
		if s.quirks.Pipelining == CutsGroups {
			s.over = true
		}
	}
}

// answerTogether puts what is said to this command behind the first line of
// what was said to those before, for which no client can be prepared.
func (s *quirkySession) answerTogether(line string) {
	before := bytes.Clone(s.w.Bytes())
	s.w.Reset()
	s.command(line)
	head, rest, _ := bytes.Cut(before, []byte("\r\n"))
	reply := bytes.Clone(s.w.Bytes())
	if len(before) == 0 {
		return
	}
	s.w.Reset()
	s.w.Write(head)
	s.w.WriteString("\r\n")
	s.w.Write(reply)
	s.w.Write(rest)
}

func (s *quirkySession) flush() error {
	_, err := s.conn.Write(s.w.Bytes())
	s.w.Reset()
	return err
}

func (s *quirkySession) trace(side byte, line string) {
	if s.log != nil {
		fmt.Fprintf(s.log, "%c: %s\n", side, line)
	}
}

// line writes a line of a reply.
func (s *quirkySession) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.trace('S', text)
	s.w.WriteString(text + "\r\n")
}

func (s *quirkySession) ok(format string, args ...any) {
	s.line("%s", strings.TrimRight("+OK "+fmt.Sprintf(format, args...), " "))
}
func (s *quirkySession) err(format string, args ...any) { s.line("-ERR "+format, args...) }

// command carries a command out.
func (s *quirkySession) command(line string) {
	v, args := pop3wire.SplitVerb([]byte(line))
	switch {
	case v == pop3wire.QUIT:
		s.quit()
	case v == pop3wire.CAPA && !s.quirks.NoCapa:
		s.capa()
	case s.drop == nil:
		s.authorize(v, string(args))
	case v == pop3wire.NOOP:
		s.ok("")
	case v == pop3wire.RSET:
		clear(s.deleted)
		s.ok("")
	case v == pop3wire.STAT:
		s.stat()
	case v == pop3wire.LIST:
		s.each(string(args), func(i int) string {
			return fmt.Sprint(i+1, " ", s.list[i].Size+s.quirks.SizeError, s.words())
		})
	case v == pop3wire.UIDL && !s.quirks.NoUIDL:
		s.each(string(args), func(i int) string {
			return fmt.Sprint(i+1, strings.Repeat(" ", max(1, s.quirks.Blanks)), s.uid(i))
		})
	case v == pop3wire.RETR, v == pop3wire.TOP && !s.quirks.NoTop, v == pop3wire.DELE:
		s.message(v, strings.Fields(string(args)))
	default:
		s.err("unknown command")
	}
}

func (s *quirkySession) capa() {
	s.ok("capabilities follow")
	tags := []string{"USER", "SASL PLAIN LOGIN XOAUTH2", "RESP-CODES", "AUTH-RESP-CODE"}
	if !s.tls && s.Config.TLSConfig != nil {
		tags = append(tags, "STLS")
	}
	if s.drop != nil || !s.quirks.LateCapabilities {
		tags = append(tags, "PIPELINING")
		if !s.quirks.NoUIDL {
			tags = append(tags, "UIDL")
		}
	}
	if !s.quirks.NoTop {
		tags = append(tags, "TOP")
	}
	for _, tag := range append(tags, ".") {
		s.line("%s", tag)
	}
}

// authorize carries out the commands of the AUTHORIZATION state.
func (s *quirkySession) authorize(v pop3wire.Verb, args string) {
	switch v {
	case pop3wire.STLS:
		if s.tls || s.Config.TLSConfig == nil {
			s.err("no TLS here")
			return
		}
		s.ok("begin TLS")
		if s.flush() == nil {
			s.secure(s.conn)
		}
	case pop3wire.USER:
		s.user = args
		s.ok("")
	case pop3wire.PASS:
		s.login("USER", s.user, args)
	case pop3wire.AUTH:
		mechanism, initial, _ := strings.Cut(args, " ")
		s.auth(strings.ToUpper(mechanism), initial)
	default:
		s.err("log in first")
	}
}

// auth runs an exchange.
func (s *quirkySession) auth(mechanism, initial string) {
	asked := false
	ask := func(challenge string) (string, bool) {
		encoded := base64.StdEncoding.EncodeToString([]byte(challenge))
		if s.quirks.OKForChallenge && !asked {
			s.line("+OK %s", encoded)
		} else {
			s.line("+ %s", encoded)
		}
		asked = true
		if s.flush() != nil {
			return "", false
		}
		line, err := s.r.ReadString('\n')
		s.trace('C', "****")
		response, wrong := base64.StdEncoding.DecodeString(strings.TrimRight(line, "\r\n"))
		return string(response), err == nil && wrong == nil
	}
	if initial != "" && s.quirks.TwoLineAuth {
		s.err("protocol error")
		return
	}
	first, ok := "", true
	if initial == "" {
		prompt := ""
		if mechanism == "LOGIN" {
			prompt = "User Name\x00"
		}
		first, ok = ask(prompt)
	} else if decoded, err := base64.StdEncoding.DecodeString(initial); err == nil {
		first = string(decoded)
	}
	user, password := "", ""
	switch mechanism {
	case "PLAIN":
		parts := strings.Split(first, "\x00")
		ok = ok && len(parts) == 3
		if ok {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		user = first
		if ok {
			password, ok = ask("Password\x00")
		}
	case "XOAUTH2":
		rest, found := strings.CutPrefix(first, "user=")
		user, password, _ = strings.Cut(rest, "\x01auth=Bearer ")
		password, ok = strings.CutSuffix(password, "\x01\x01")
		ok = ok && found
		if ok && s.Config.Auth.Passwords.VerifyPassword(context.Background(), user, password) != nil {
			_, ok = ask(`{"status":"401","schemes":"bearer"}`)
		}
	default:
		ok = false
	}
	if !ok {
		s.err("no login")
		return
	}
	s.login(mechanism, user, password)
}

// login opens the maildrop.
func (s *quirkySession) login(mechanism, user, password string) {
	ctx := context.Background()
	if err := s.Config.Auth.Passwords.VerifyPassword(ctx, user, password); err != nil {
		s.err("[AUTH] no")
		return
	}
	s.identity = &auth.Identity{User: user, Name: user, Mechanism: mechanism}
	drop, err := s.Config.Store.Open(ctx, s.identity)
	if err != nil {
		s.err("[IN-USE] %v", err)
		return
	}
	s.drop = drop
	if s.list, err = drop.List(ctx); err != nil {
		s.err("[SYS/TEMP] %v", err)
		return
	}
	s.list = slices.DeleteFunc(slices.Clone(s.list), s.hidden)
	if most := s.quirks.AtMost; most > 0 && len(s.list) > most {
		s.list = s.list[:most]
	}
	s.deleted = make([]bool, len(s.list))
	s.ok("%d messages", len(s.list))
}

func (s *quirkySession) hidden(info pop3.Info) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched[s.identity.Name+" "+info.UID]
}

func (s *quirkySession) hide(info pop3.Info) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quirks.HideFetched {
		s.fetched[s.identity.Name+" "+info.UID] = true
	}
}

func (s *quirkySession) words() string {
	if s.quirks.Words == "" {
		return ""
	}
	return " " + s.quirks.Words
}

func (s *quirkySession) stat() {
	count, octets := s.quirks.CountError, int64(0)
	for i, info := range s.list {
		if !s.deleted[i] {
			count++
			octets += info.Size
		}
	}
	switch {
	case s.quirks.NoStatSize:
		s.ok("%d", count)
	case s.quirks.NegativeStat:
		s.ok("%d %d%s", count, octets-1<<32, s.words())
	default:
		s.ok("%d %d%s", count, octets, s.words())
	}
}

func (s *quirkySession) uid(i int) string {
	switch uid := s.list[i].UID; {
	case s.quirks.SameUID:
		return "copy"
	case s.quirks.LongUIDs:
		return uid + strings.Repeat("-", max(0, 80-len(uid)))
	default:
		return uid
	}
}

// place returns where the message stands, or -1.
func (s *quirkySession) place(number string) int {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(s.list) || s.deleted[n-1] {
		return -1
	}
	return n - 1
}

// each answers LIST and UIDL.
func (s *quirkySession) each(number string, listing func(i int) string) {
	if number != "" {
		if i := s.place(number); i >= 0 {
			s.ok("%s", listing(i))
		} else {
			s.err("no such message")
		}
		return
	}
	s.ok("")
	for i := range s.list {
		if !s.deleted[i] {
			s.line("%s", listing(i))
		}
	}
	s.line(".")
}

// message answers RETR, TOP and DELE.
func (s *quirkySession) message(v pop3wire.Verb, args []string) {
	i, lines := -1, -1
	if len(args) > 0 {
		i = s.place(args[0])
	}
	if v == pop3wire.TOP && len(args) > 1 {
		lines, _ = strconv.Atoi(args[1])
	}
	switch {
	case i < 0:
		s.err("no such message")
		return
	case v == pop3wire.DELE:
		s.deleted[i] = true
		s.ok("")
		return
	}
	text, err := s.read(s.list[i])
	if err != nil {
		s.err("[SYS/TEMP] %v", err)
		return
	}
	if v == pop3wire.RETR {
		s.hide(s.list[i])
	}
	s.ok("")
	s.trace('S', fmt.Sprintf("(%d octets)", len(text)))
	inBody := false
	for line := range bytes.Lines(text) {
		if inBody && lines == 0 {
			break
		}
		if inBody {
			lines--
		}
		inBody = inBody || len(line) <= 2 && lines >= 0
		if line[0] == '.' {
			s.w.WriteByte('.')
		}
		s.w.Write(line)
	}
	if v == pop3wire.RETR && s.quirks.MissingCRLF {
		s.w.Truncate(s.w.Len() - len("\r\n"))
	}
	s.line(".")
}

func (s *quirkySession) read(info pop3.Info) ([]byte, error) {
	r, err := s.drop.Message(context.Background(), info)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func (s *quirkySession) quit() {
	s.over = true
	if s.drop == nil {
		s.ok("bye")
		return
	}
	var gone []pop3.Info
	for i, info := range s.list {
		if s.deleted[i] {
			gone = append(gone, info)
		}
	}
	err := s.drop.Commit(context.Background(), gone)
	_ = s.drop.Close()
	s.drop = nil
	if err != nil {
		s.err("[SYS/TEMP] %v", err)
		return
	}
	s.ok("bye")
}

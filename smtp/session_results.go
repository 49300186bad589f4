package smtp

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// results are what became of a message, recipient by recipient.
type results struct {
	mu      sync.Mutex
	session *session         // tells the peer; nil before the handler is called, and after it
	of      []smtpwire.Reply // by recipient, zero if not known; nil until there is one
	count   int              // recipients
	told    int              // those that the peer knows of
	misused bool
}

// SetResult says what became of the message for one recipient: nil accepts, an error
// refuses as the error that a handler returns does. i counts in Envelope.To as it was
// when the handler was called. Recipients without a result have that which the handler
// returns.
//
// Where tx.PerRecipient is set the peer is told each result, and as soon as the message
// has come whole and the results of those before are known. Else there is one answer
// for all: the message is accepted if it is for all of them, and otherwise refused, by
// a temporary error if there is one. Who was given a copy may then be given another; a
// handler that would rather send reports of its own accepts for all.
//
// A handler that returns an error before it has read the message to its end refuses it for
// everybody, each with its result: one of nil counts for nothing there.
//
// The last call for a recipient counts, unless the peer was told already. Calls with an
// i that does not exist do nothing but to be logged, and those when the handler has
// returned do nothing. SetResult may be called by many goroutines at once.
func (tx *Transaction) SetResult(i int, err error) {
	r := &tx.results
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session == nil || i < 0 || i >= r.count {
		r.misused = true
		return
	}
	if r.of == nil {
		r.of = make([]smtpwire.Reply, r.count)
	}
	r.of[i] = r.session.outcome(tx, err)
	if tx.separate() && tx.body.whole.Load() {
		r.tell(tx)
	}
}

// separate reports whether each recipient is answered. The draft of PRDR leaves a single
// recipient to the one reply that there always is.
func (tx *Transaction) separate() bool {
	return tx.Conn.Protocol == auth.LMTP || tx.PerRecipient && tx.results.count > 1
}

// open lets results be given.
func (r *results) open(s *session, tx *Transaction) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session, r.count = s, tx.taken
}

// close takes no more results. It reports whether there was one for nobody.
func (r *results) close() (misused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session = nil
	return r.misused
}

// tell sends the replies that are due for tx, whose results r are. The caller holds mu.
//
// RFC 2033 section 5: each as soon as possible.
func (r *results) tell(tx *Transaction) {
	due := r.told
	for r.told < r.count && r.of[r.told].Code != 0 {
		r.session.tellResult(tx, r.told, r.of[r.told])
		r.told++
	}
	if r.told > due {
		_ = r.session.conn.Flush() // its error is sticky
	}
}

// tellResult sends the reply for one recipient.
func (s *session) tellResult(tx *Transaction, i int, r smtpwire.Reply) {
	if i == 0 && tx.Conn.Protocol != auth.LMTP {
		s.reply(replyResults)
	}
	s.reply(r)
}

// outcome makes the reply of a result.
func (s *session) outcome(tx *Transaction, err error) smtpwire.Reply {
	if err != nil {
		return s.refusal(err)
	}
	return smtpwire.Reply{Code: 250, Enhanced: EnhancedCode{2, 0, 0}, Lines: tx.accepted[:]}
}

// conclude answers a message that came whole. err is what the handler returned.
func (s *session) conclude(src incoming, tx *Transaction, err error) smtpwire.Reply {
	given := &tx.results
	byDefault := s.outcome(tx, err)
	if errors.Is(err, errPanic) {
		s.logVerdict(src, tx, byDefault, 0)
		return byDefault
	}
	overall, accepted := smtpwire.Reply{}, 0
	for i := range given.count {
		r := byDefault
		if i < len(given.of) && given.of[i].Code != 0 {
			r = given.of[i]
		}
		if i >= given.told && tx.separate() {
			s.tellResult(tx, i, r)
		}
		if r.Code == 250 {
			accepted++
		} else {
			overall = forBoth(overall, r)
		}
	}
	if accepted == given.count || accepted > 0 && tx.separate() {
		overall = s.outcome(tx, nil)
		s.errors, s.idle = 0, 0
	} else {
		accepted = 0 // the peer is told that nobody has it
	}
	s.logVerdict(src, tx, overall, accepted)
	if tx.Conn.Protocol == auth.LMTP {
		return smtpwire.Reply{}
	}
	return overall
}

// refuse is for a message that nobody has got, whatever was said of a recipient: the result
// of each is the one that was given if that refuses, and else byDefault. It returns the
// refusal that stands for all, and those of each if they differ.
func (r *results) refuse(byDefault smtpwire.Reply) (overall smtpwire.Reply, each []smtpwire.Reply) {
	if r.of == nil {
		return byDefault, nil
	}
	for i := range r.of {
		if r.of[i].Code < 400 {
			r.of[i] = byDefault
		}
		overall = forBoth(overall, r.of[i])
	}
	return overall, r.of
}

// forBoth returns the one of two refusals that stands for both: a temporary one if there is
// one.
func forBoth(a, b smtpwire.Reply) smtpwire.Reply {
	if a.Code == 0 || a.Code >= 500 && b.Code < 500 {
		return b
	}
	return a
}

// toEach gives a reply for each recipient that was accepted, its own if it has one: RFC 2033
// section 4.2.
func (s *session) toEach(r smtpwire.Reply, own []smtpwire.Reply) smtpwire.Reply {
	if s.tx == nil || s.tx.taken == 0 {
		return smtpwire.Reply{}
	}
	for i := range s.tx.taken {
		if i > 0 {
			s.reply(r)
		}
		if i < len(own) {
			r = own[i]
		}
	}
	return r
}

func (s *session) logVerdict(src incoming, tx *Transaction, r smtpwire.Reply, accepted int) {
	text := "message accepted"
	switch {
	case accepted > 0:
		s.tally[countAccepted]++
		s.tally[countRecipients] += int64(accepted)
		s.tally[countOctets] += src.size()
	case r.Code > 0:
		text = "message refused"
		s.tally[countNotTaken]++
	default:
		text = "message given up"
		s.tally[countNotTaken]++
	}
	s.log.LogAttrs(s.ctx, slog.LevelInfo, text, slog.String("id", tx.ID), slog.Int("code", r.Code),
		slog.Int64("octets", src.size()), slog.Int("recipients", len(tx.Envelope.To)), slog.Int("accepted", accepted),
		priority(&s.intake.mail))
	if trace := s.srv.Trace; trace != nil && trace.Message != nil {
		trace.Message(tx, MessageEnd{r.Code, accepted, src.size(), time.Since(tx.began)})
	}
}

// priority is the attribute of a message for which one was asked, and else none, which
// handlers leave out: RFC 6710 section 4.1.
func priority(cmd *smtpwire.Mail) slog.Attr {
	if !cmd.HasPriority {
		return slog.Attr{}
	}
	return slog.Int("priority", cmd.Priority)
}

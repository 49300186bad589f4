package smtp

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// ErrRequireTLS says that an envelope demands REQUIRETLS (RFC 8689) on a connection
// that has no TLS, or whose certificate was not verified. Nothing was sent.
var ErrRequireTLS = errors.New("smtp: REQUIRETLS without verified TLS")

// LimitError says that an envelope asks for more than the server has said it does.
// Nothing was sent, and the connection can be used.
type LimitError struct {
	Keyword string // of the extension
	Limit   string // the server's
	Value   string // what was asked for
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("smtp: server's %s is limited to %s, not %s", e.Keyword, e.Limit, e.Value)
}

// demands lists what an envelope may ask for, and the extension that a server has
// to offer for it.
var demands = []struct {
	keyword string
	made    func(*Envelope) bool
}{
	{"DSN", func(e *Envelope) bool { return e.Return != ReturnUnspecified || e.ID != "" }},
	{"REQUIRETLS", func(e *Envelope) bool { return e.RequireTLS }},
	{"AUTH", func(e *Envelope) bool { return e.HasAuth || !e.Auth.IsZero() }},
	{"DELIVERBY", func(e *Envelope) bool { return e.DeliverBy != DeliverBy{} }},
	{"MT-PRIORITY", func(e *Envelope) bool { return e.HasPriority || e.Priority != 0 }},
	{"FUTURERELEASE", func(e *Envelope) bool { return e.HoldFor != 0 || !e.HoldUntil.IsZero() }},
}

// checkExtensions refuses what the server does not offer, so that nothing that was
// asked for is left out in silence.
func (s *sending) checkExtensions() error {
	for _, d := range demands {
		if d.made(&s.env) && !s.offers(d.keyword) {
			return &ExtensionError{Keyword: d.keyword}
		}
	}
	if err := s.checkParams(s.env.Params); err != nil {
		return err
	}
	for i := range s.env.To {
		to := &s.env.To[i]
		if (to.Notify != 0 || to.Original != "") && !s.offers("DSN") {
			return &ExtensionError{Keyword: "DSN"}
		}
		if !to.ValidSince.IsZero() && to.NoSupport != NoSupportContinue && !s.offers("RRVS") {
			return &ExtensionError{Keyword: "RRVS"}
		}
		if err := s.checkParams(to.Params); err != nil {
			return err
		}
	}
	if s.env.RequireTLS {
		// RFC 8689 section 4.2.1: the certificate has been verified.
		if t := s.c.conn.TLS(); t == nil || len(t.VerifiedChains) == 0 {
			return ErrRequireTLS
		}
	}
	return s.checkLimits(time.Now())
}

// checkParams refuses a parameter that belongs to no extension of its name.
func (s *sending) checkParams(params []Param) error {
	for _, p := range params {
		if _, ok := s.c.Extension(p.Keyword); !ok {
			return &ExtensionError{Keyword: p.Keyword}
		}
	}
	return nil
}

// checkLimits refuses what the server has said it will not do.
func (s *sending) checkLimits(now time.Time) error {
	e, env := s.c.extensions, &s.env
	if most := e.Limits().RcptMax; most > 0 && len(env.To) > most {
		return &LimitError{"RCPTMAX", strconv.Itoa(most), strconv.Itoa(len(env.To))}
	}
	if least, _ := e.DeliverBy(); env.DeliverBy.Mode == ByReturn && env.DeliverBy.Time.Sub(now) < seconds(least) {
		// RFC 2852 section 4.
		return &LimitError{"DELIVERBY", seconds(least).String(), env.DeliverBy.Time.Sub(now).String()}
	}
	if until := heldUntil(env, now); !until.IsZero() && env.DeliverBy != (DeliverBy{}) && !env.DeliverBy.Time.After(until) {
		return errHeldBeyond
	}
	longest, latest, _ := e.FutureRelease()
	if longest > 0 && env.HoldFor > seconds(longest) {
		return &LimitError{"FUTURERELEASE", seconds(longest).String(), env.HoldFor.String()}
	}
	if until := timeOf(latest); !until.IsZero() && env.HoldUntil.After(until) {
		return &LimitError{"FUTURERELEASE", string(latest), env.HoldUntil.UTC().Format(time.RFC3339)}
	}
	return nil
}

// errHeldBeyond: RFC 4865 section 5.2.1.
var errHeldBeyond = errors.New("smtp: message is to be held beyond its time of delivery")

// heldUntil is until when the server is to hold the message; zero: not at all.
func heldUntil(env *Envelope, now time.Time) time.Time {
	if env.HoldFor > 0 {
		return now.Add(env.HoldFor)
	}
	return env.HoldUntil
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// rcptCommand returns the RCPT command for a recipient. RRVS is left out where it is
// not offered and the sender has said that the message may go without (RFC 7293
// section 3.1).
func (s *sending) rcptCommand(to *Recipient, utf8 bool) smtpwire.Rcpt {
	rcpt := to.rcptCommand(utf8)
	if !s.offers("RRVS") {
		rcpt.ValidSince = smtpwire.ValidSince{}
	}
	return rcpt
}

package smtp

import (
	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// phase is where a session is, as one bit, so that a command can name several.
type phase uint16

const (
	phaseConnected phase = 1 << iota
	phaseRefused
	phaseGreeted
	phaseMail
	phaseRecipients
	phaseData
	phaseChunks
	phaseFailed
	phaseClosing

	inTransaction = phaseMail | phaseRecipients
	inChunks      = phaseChunks | phaseFailed
	inSession     = phaseConnected | phaseGreeted | inTransaction | inChunks
	inAny         = inSession | phaseRefused
)

func (p phase) within(set phase) bool { return p&set != 0 }

func (p phase) name() auth.Phase {
	switch p {
	case phaseConnected:
		return PhaseConnected
	case phaseRefused:
		return PhaseRefused
	case phaseGreeted:
		return PhaseGreeted
	case phaseMail:
		return PhaseMail
	case phaseRecipients:
		return PhaseRecipients
	case phaseData:
		return PhaseData
	case phaseChunks:
		return PhaseChunks
	case phaseFailed:
		return PhaseFailed
	default:
		return PhaseClosing
	}
}

// flags are what the loop sees to before a handler runs.
type flags uint16

const (
	idle      flags = 1 << iota // moves no message along: counted
	grouped                     // its reply may wait for those of its group: RFC 2920 section 3.2
	noArgs                      // takes no arguments
	extension                   // exists only behind EHLO
	bare                        // is answered without enhanced codes
	preTLS                      // is there before TLS even if TLS is required
	counted                     // octets follow that are no commands, also if it is refused
	smtpOnly                    // does not exist in LMTP
	lmtpOnly                    // exists in LMTP only
)

// command is one row of the table.
type command struct {
	in    phase // the phases in which it is in order; else 503
	flags flags
	run   func(s *session, args []byte) smtpwire.Reply
}

// commands has a row for each command that is implemented. RFC 5321 section 4.1.4
// says what is in order when.
var commands = [smtpwire.NumVerbs]command{
	smtpwire.HELO:     {inSession, idle | bare | smtpOnly, (*session).helo},
	smtpwire.EHLO:     {inSession, idle | bare | preTLS | smtpOnly, (*session).ehlo},
	smtpwire.LHLO:     {inSession, idle | bare | preTLS | lmtpOnly, (*session).ehlo},
	smtpwire.MAIL:     {phaseGreeted, idle | grouped, (*session).mail},
	smtpwire.RCPT:     {inTransaction, grouped, (*session).rcpt},
	smtpwire.DATA:     {inTransaction | inChunks, noArgs, (*session).data},
	smtpwire.BDAT:     {phaseGreeted | inTransaction | inChunks, extension | counted, (*session).bdat},
	smtpwire.RSET:     {inSession, idle | grouped | noArgs, (*session).rset},
	smtpwire.NOOP:     {inSession, idle | preTLS, (*session).noop},
	smtpwire.VRFY:     {inSession, idle, (*session).vrfy},
	smtpwire.EXPN:     {inSession, idle, (*session).expn},
	smtpwire.ETRN:     {phaseGreeted, idle | extension, (*session).etrn},
	smtpwire.HELP:     {inSession, idle, (*session).help},
	smtpwire.QUIT:     {inAny, noArgs | preTLS, (*session).quit},
	smtpwire.STARTTLS: {phaseGreeted, idle | noArgs | extension | preTLS, (*session).startTLS},
	smtpwire.XCLIENT:  {phaseConnected | phaseGreeted, idle | preTLS, (*session).xclient},
	smtpwire.AUTH:     {phaseGreeted, idle | extension, (*session).auth},
}

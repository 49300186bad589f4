package smtp

import (
	"fmt"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Reply is a server's reply as a [Client] read it: code, enhanced status code if
// the server uses them, and the lines of its text. The text is whatever the
// server wrote, made printable: control and format characters and what is not
// UTF-8 are escaped as in a Go string.
type Reply = smtpwire.Reply

// Outcome says what became of a message, or of one recipient's copy.
type Outcome uint8

const (
	// Refused means that the server does not have the message: it said so, or
	// was never given the whole.
	Refused Outcome = iota

	// Accepted means that the server has said that it is now responsible for
	// the message.
	Accepted

	// Unknown means that the end of the data left, and that no answer came: the
	// server may have the message or not (RFC 1047). To send it again risks a
	// duplicate; not to, a loss. That is for the caller to weigh.
	Unknown
)

func (o Outcome) String() string {
	switch o {
	case Refused:
		return "refused"
	case Accepted:
		return "accepted"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// Result tells what became of a message that was sent, recipient by recipient.
type Result struct {
	Outcome    Outcome           // Accepted if the server took the message for one recipient at least
	Recipients []RecipientResult // in the envelope's order, one for each of its recipients

	// Reply is the server's answer to the end of the data. Its text holds the
	// server's name for the message in most cases. It is zero if there was no
	// such answer. Where there is an answer for each recipient (LMTP) it is the
	// last that accepts, or if none does the last that refuses.
	Reply Reply
}

// RecipientResult tells what became of the copy of one recipient.
type RecipientResult struct {
	Recipient Recipient
	Outcome   Outcome

	// Step is where it was decided: StepRcpt if the recipient was refused,
	// StepEnd if the message as a whole was answered to, or this recipient's copy
	// of it.
	Step Step

	// Reply is the server's answer that decided: to RCPT, to the end of the data,
	// or to what refused everything. It is zero if there was none.
	Reply Reply

	// Err is nil if the copy was accepted. It is the server's *Error if it
	// answered to this recipient, or to the message as a whole; else what kept
	// it from answering.
	Err error

	// Temporary says that the same recipient may be tried again later without
	// fear that the message arrives twice. It is not set after a 5yz reply,
	// except that a 552 which tells of too many recipients counts as the 452
	// that it should be (RFC 5321 section 4.5.3.1.10).
	Temporary bool
}

// Step names where a [Client] was when sending failed. The text is stable.
type Step string

const (
	StepCheck   Step = "check"       // before anything was written: something cannot be sent
	StepConnect Step = "connect"     // it could not be set up, was broken before, or busy until ctx ended
	StepMail    Step = "MAIL"        //
	StepRcpt    Step = "RCPT"        //
	StepData    Step = "DATA"        //
	StepBody    Step = "body"        // amid the data, by DATA or BDAT; its end was not sent
	StepEnd     Step = "end of data" // the end was sent: the error is, or stands for, the answer
)

// SendError is the error of sending: not every recipient was accepted.
type SendError struct {
	Step    Step
	Outcome Outcome // of the message as in Result: Accepted here means that some recipients were refused

	// Err is the cause: an *Error if the server refused; a *ProtocolError, a
	// *FramingError, a *SizeError, an *ExtensionError, the body reader's error, the
	// cause of the context's end, or an error of the network. If several
	// recipients were refused it is the reply to one of them, a 5yz rather than
	// a 4yz.
	Err error
}

func (e *SendError) Error() string {
	switch {
	case e.Outcome == Accepted:
		return "smtp: sent, but not to all recipients: " + unprefixed(e.Err)
	case e.Outcome == Unknown:
		return "smtp: sent, but the outcome is unknown: " + unprefixed(e.Err)
	}
	return fmt.Sprintf("smtp: not sent: %s: %s", e.Step, unprefixed(e.Err))
}

func (e *SendError) Unwrap() error { return e.Err }

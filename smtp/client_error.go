package smtp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

var (
	// ErrBroken says that a [Client] cannot be used any more, because an
	// earlier operation failed in a way after which the two ends may no longer
	// agree on where they are: it was cancelled, timed out, lost the
	// connection, met a *ProtocolError or a 421, or gave up amid a body.
	// Nothing was sent.
	ErrBroken = errors.New("smtp: connection is broken")

	// ErrClientClosed says that a [Client] was used after Quit or Close.
	ErrClientClosed = errors.New("smtp: client is closed")
)

// ExtensionError says that the server does not offer an extension that is
// needed: STARTTLS or AUTH to set the connection up; 8BITMIME, SMTPUTF8,
// BINARYMIME, or what a parameter belongs to, to send a message. The message was not
// sent.
type ExtensionError struct{ Keyword string }

func (e *ExtensionError) Error() string { return "smtp: server does not offer " + e.Keyword }

// SizeError says that a message is larger than the server has said it takes
// (RFC 1870). It was not sent, and the connection can be used.
type SizeError struct {
	Size int64 // of the message
	Max  int64 // the server's limit
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("smtp: message of %d octets, server takes %d", e.Size, e.Max)
}

// ProtocolError says that the server did what no SMTP server may: its reply is
// malformed, too long, mixed or out of place. The connection is closed, for
// nothing that it said or will say can be trusted to answer what was asked.
type ProtocolError struct {
	Reason string // printable
	Err    error  // what was found underneath; may be nil
}

func (e *ProtocolError) Error() string { return "smtp: protocol error: " + e.Reason }

func (e *ProtocolError) Unwrap() error { return e.Err }

// These two are mistakes of the caller, who can see for himself.
var (
	errNoRecipients = errors.New("smtp: envelope without recipients")
	errNoBody       = errors.New("smtp: no body")
)

// errOthersRefused is the error of a recipient who is accepted where all have to
// be, and others are not.
var errOthersRefused = errors.New("smtp: not sent, as another recipient was refused")

// SafeToRetry reports whether, after an error of this package's client, the
// same mail may be sent to the same recipients once more. It is true if no
// recipient has the mail nor can have it, and the reason may pass: the network
// failed, the operation was cancelled, the server answered 4yz.
//
// It is false
//   - for nil: there is nothing to retry;
//   - if some recipients were accepted, or the outcome of any is [Unknown]: it
//     would reach them twice; [Result] tells to whom it may be sent again;
//   - if it was refused for good: by a 5yz reply to the command or the message
//     that the error tells of, or by the client itself, as what cannot be sent
//     to this server. [Result] tells of each recipient by itself.
func SafeToRetry(err error) bool {
	if err == nil {
		return false
	}
	var send *SendError
	if errors.As(err, &send) && send.Outcome != Refused {
		return false
	}
	if reply := (*Error)(nil); errors.As(err, &reply) {
		return reply.Temporary()
	}
	return !isUnfit(err)
}

// isUnfit reports whether err says that what was to be sent cannot be sent to
// this server, however often it is tried.
func isUnfit(err error) bool {
	for _, unfit := range []error{
		errNoRecipients, errNoBody, errHeldBeyond, ErrNot7Bit, ErrRequireTLS, auth.ErrCleartext, auth.ErrNoMechanism, auth.ErrCredentials,
	} {
		if errors.Is(err, unfit) {
			return true
		}
	}
	var (
		unsafe    *smtpwire.UnsafeError
		framing   *FramingError
		extension *ExtensionError
		size      *SizeError
		line      *LineLengthError
		limit     *LimitError
	)
	return errors.As(err, &unsafe) || errors.As(err, &line) || errors.As(err, &limit) || errors.As(err, &framing) || errors.As(err, &extension) || errors.As(err, &size)
}

// opError says what was being done when err happened.
type opError struct {
	op  string
	err error
}

func (e *opError) Error() string { return "smtp: " + e.op + ": " + unprefixed(e.err) }

func (e *opError) Unwrap() error { return e.err }

// unprefixed returns the text of an error that goes into a longer one of this
// package: its own, or a *FramingError.
func unprefixed(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "smtp: "), "textwire: ")
}

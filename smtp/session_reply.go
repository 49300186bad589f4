package smtp

import "github.com/posthouse/posthouse/smtp/smtpwire"

func newReply(code int, enhanced EnhancedCode, text string) smtpwire.Reply {
	return smtpwire.Reply{Code: code, Enhanced: enhanced, Lines: []string{text}}
}

// The replies whose text never changes. They are made once, and not changed.
var (
	replyQuit         = newReply(221, EnhancedCode{2, 0, 0}, "closing connection")
	replyOK           = newReply(250, EnhancedCode{2, 0, 0}, "ok")
	replySenderOK     = newReply(250, EnhancedCode{2, 1, 0}, "sender ok")
	replyRecipientOK  = newReply(250, EnhancedCode{2, 1, 5}, "recipient ok")
	replyVerify       = newReply(252, EnhancedCode{2, 5, 0}, "not verified, send mail to find out")
	replyChunkOK      = newReply(250, EnhancedCode{2, 0, 0}, "chunk ok")
	replyHelp         = newReply(214, EnhancedCode{2, 0, 0}, "see RFC 5321")
	replyVerifyUTF8   = newReply(252, EnhancedCode{2, 6, 8}, "address is not ASCII, ask with SMTPUTF8")
	replyQueueStarted = newReply(250, EnhancedCode{2, 0, 0}, "queuing started")
	replyStartTLS     = newReply(220, EnhancedCode{2, 0, 0}, "begin TLS")
	replyResults      = newReply(353, EnhancedCode{}, "a reply for each recipient follows")
	replySendMessage  = newReply(354, EnhancedCode{}, "send message, end with CRLF.CRLF")
	replyAuthOK       = newReply(235, EnhancedCode{2, 7, 0}, "authenticated")

	replyShutdown      = newReply(421, EnhancedCode{4, 3, 2}, "service shutting down")
	replyTimeout       = newReply(421, EnhancedCode{4, 4, 2}, "timeout")
	replyFailure       = newReply(421, EnhancedCode{4, 3, 0}, "internal error, try again later")
	replyTooManyErrors = newReply(421, EnhancedCode{4, 7, 0}, "too many errors")
	replyTooIdle       = newReply(421, EnhancedCode{4, 7, 0}, "too many commands without a message")
	replyAuthLimit     = newReply(421, EnhancedCode{4, 7, 0}, "too many failed authentications")
	replyTooManyConns  = newReply(421, EnhancedCode{4, 3, 2}, "too many connections")
	replyTooLong       = newReply(421, EnhancedCode{4, 4, 2}, "session lasts too long")
	replyTooManyMails  = newReply(421, EnhancedCode{4, 7, 0}, "too many transactions, connect anew")

	replyLocalError = newReply(451, EnhancedCode{4, 3, 0}, "local error, try again later")
	replyRecipients = newReply(452, EnhancedCode{4, 5, 3}, "too many recipients")
	replyTLSBusy    = newReply(454, EnhancedCode{4, 7, 0}, "too many handshakes, try again later")
	replyAuthDown   = newReply(454, EnhancedCode{4, 7, 0}, "authentication not available, try again later")

	// RFC 5321 section 4.2.4: 500 for a command that is not known, 502 for one that
	// is known and not implemented.
	replyUnknown        = newReply(500, EnhancedCode{5, 5, 2}, "command not recognized")
	replyLineTooLong    = newReply(500, EnhancedCode{5, 5, 2}, "line too long")
	replyFraming        = newReply(500, EnhancedCode{5, 5, 2}, "line must end with CRLF and have no CR, LF or NUL in it")
	replyNoArgs         = newReply(501, EnhancedCode{5, 5, 4}, "no argument allowed")
	replyBadBase64      = newReply(501, EnhancedCode{5, 5, 2}, "bad base64")
	replyAuthSyntax     = newReply(501, EnhancedCode{5, 5, 2}, "bad authentication response")
	replyAuthCancelled  = newReply(501, EnhancedCode{5, 7, 0}, "authentication cancelled")
	replyNotImplemented = newReply(502, EnhancedCode{5, 5, 1}, "command not implemented")
	replySequence       = newReply(503, EnhancedCode{5, 5, 1}, "bad sequence of commands")
	replyHelloFirst     = newReply(503, EnhancedCode{5, 5, 1}, "send EHLO or HELO first")
	replyExtendedFirst  = newReply(503, EnhancedCode{5, 5, 1}, "send EHLO first")
	replyTLSActive      = newReply(503, EnhancedCode{5, 5, 1}, "TLS is active already")
	replyAuthTwice      = newReply(503, EnhancedCode{5, 5, 1}, "authenticated already")
	replyBdatOnly       = newReply(503, EnhancedCode{5, 5, 1}, "BODY=BINARYMIME needs BDAT")
	replyHeldTooLong    = newReply(501, EnhancedCode{5, 5, 4}, "held for longer than is offered")
	replyHeldBeyond     = newReply(501, EnhancedCode{5, 5, 4}, "held beyond the time of delivery")
	replyNotASCII       = newReply(501, EnhancedCode{5, 5, 4}, "argument is not ASCII")
	replyNoSuchParam    = newReply(504, EnhancedCode{5, 5, 4}, "parameter not implemented")
	replyNoHelp         = newReply(504, EnhancedCode{5, 5, 4}, "no help about this")
	replyMechanism      = newReply(504, EnhancedCode{5, 5, 4}, "mechanism not available")
	replyTLSFirst       = newReply(530, EnhancedCode{5, 7, 0}, "send STARTTLS first")
	replyAuthRequired   = newReply(530, EnhancedCode{5, 7, 0}, "authentication required")
	replyCredentials    = newReply(535, EnhancedCode{5, 7, 8}, "credentials not valid")
	replyNeedsTLS       = newReply(538, EnhancedCode{5, 7, 11}, "encryption required, send STARTTLS first")
	replyBadMessage     = newReply(550, EnhancedCode{5, 6, 11}, "message has a bare CR, a bare LF or a NUL")
	replyExpandUTF8     = newReply(550, EnhancedCode{5, 6, 8}, "address is not ASCII, ask with SMTPUTF8")
	replyNoList         = newReply(550, EnhancedCode{5, 1, 1}, "no such list")
	replyNoPostmaster   = newReply(550, EnhancedCode{5, 1, 1}, "no postmaster here")
	replyNoRelay        = newReply(550, EnhancedCode{5, 7, 1}, "relaying denied")
	replyTooLarge       = newReply(552, EnhancedCode{5, 3, 4}, "message too large")
	replyEarlyTalker    = newReply(554, EnhancedCode{}, "spoke before the greeting")
	replyLoop           = newReply(554, EnhancedCode{5, 4, 6}, "too many Received fields, message goes round in circles")
	replyNotSMTP        = newReply(554, EnhancedCode{5, 5, 1}, "this is an SMTP server")
	replyInjected       = newReply(554, EnhancedCode{5, 5, 1}, "plain text behind STARTTLS")
	replyNoRecipients   = newReply(554, EnhancedCode{5, 5, 1}, "no valid recipients")
	replyTooSoon        = newReply(555, EnhancedCode{5, 5, 4}, "time of delivery too soon")
	replyParameters     = newReply(555, EnhancedCode{5, 5, 4}, "parameter not recognized")
)

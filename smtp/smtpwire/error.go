package smtpwire

import "fmt"

// SyntaxError reports a command that could not be parsed. It carries the reply
// that a server gives to it. Text is constant: it never repeats what the peer sent.
type SyntaxError struct {
	Code     int
	Enhanced EnhancedCode
	Text     string
}

// Error returns the reply as one line.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("smtpwire: %d %v %s", e.Code, e.Enhanced, e.Text)
}

// Reply returns the reply a server gives.
func (e *SyntaxError) Reply() Reply {
	return Reply{Code: e.Code, Enhanced: e.Enhanced, Lines: []string{e.Text}}
}

// UnsafeError reports an argument that Append refuses, because the line would not
// mean what the caller meant. Nothing was appended.
type UnsafeError struct {
	Verb Verb
	What string // the argument, e.g. "recipient"
}

// Error names the verb and the argument, never its text.
func (e *UnsafeError) Error() string {
	return fmt.Sprintf("smtpwire: %v: %s cannot be sent", e.Verb, e.What)
}

// badParam is the reply to a parameter whose value is wrong, or that is there twice.
// keyword is one of ours, not what the peer sent.
func badParam(keyword string) error { return syntax(badArgument, "bad or repeated parameter "+keyword) }

// syntax is 501: a syntax error in parameters or arguments.
func syntax(enhanced EnhancedCode, text string) error {
	return &SyntaxError{Code: 501, Enhanced: enhanced, Text: text}
}

var (
	badSyntax   = EnhancedCode{5, 5, 2} // RFC 3463 section 3.6: syntax error
	badArgument = EnhancedCode{5, 5, 4} // invalid command arguments
	badSender   = EnhancedCode{5, 1, 7} // RFC 3463 section 3.2: bad sender's mailbox address syntax
	badMailbox  = EnhancedCode{5, 1, 3} // bad destination mailbox address syntax
	needsUTF8   = EnhancedCode{5, 6, 7} // RFC 6531 section 3.5: non-ASCII addresses not permitted
)

package smtp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Extension is one that a program adds to a server: RFC 5321 section 2.2.
type Extension struct {
	// Keyword stands in the reply to EHLO, with Parameters behind it if there are any:
	// words of printable ASCII.
	Keyword    string
	Parameters string

	// Available reports whether the extension is offered on a connection as it is now.
	// Nil: it always is.
	Available func(cs auth.ConnectionState) bool

	// MailParams and RcptParams are the keywords of the parameters that it adds to MAIL and
	// RCPT. They are found in the Params of [Envelope] and [Recipient]; what is wrong with
	// their values is for the hooks Mail and Recipient to say.
	MailParams, RcptParams []string

	// Commands are the commands that it adds.
	Commands []Command
}

// Command is a command that a program adds to a server. None that the server knows can be
// replaced.
type Command struct {
	// Verb is the command's name: letters, digits and hyphens, at most 20.
	Verb string

	// Phases are the phases in which it is in order, out of [PhaseGreeted],
	// [PhaseMail] and [PhaseRecipients]; elsewhere the answer is 503. None: between
	// transactions only.
	Phases []auth.Phase

	// Run answers it. args is what follows the verb and a blank: any octets but CR, LF
	// and NUL. tx is nil outside a transaction. The reply must be final, of code 2yz,
	// 4yz or 5yz; 221 and 421 end the session. An error is answered as that of a hook.
	Run func(ctx context.Context, cs auth.ConnectionState, tx *Transaction, args string) (Reply, error)
}

// ownExtensions is what a server looks its program's extensions up in, by upper-case
// names.
type ownExtensions struct {
	mail, rcpt map[string]*Extension
	commands   map[string]ownCommand
}

type ownCommand struct {
	ext *Extension
	cmd *Command
	in  phase
}

// register makes the tables of extensions, and reports what cannot be one.
func (o *ownExtensions) register(extensions []Extension) error {
	*o = ownExtensions{map[string]*Extension{}, map[string]*Extension{}, map[string]ownCommand{}}
	keywords := map[string]bool{}
	for i := range extensions {
		e := &extensions[i]
		line := strings.TrimRight(e.Keyword+" "+e.Parameters, " ")
		parsed := smtpwire.ParseEHLO([]string{line})
		keyword := ascii.ToUpper(e.Keyword)
		switch params, ok := parsed[keyword]; {
		case !ok || params != e.Parameters || len(line) > 500:
			return fmt.Errorf("smtp: extension %q cannot be written", e.Keyword)
		case keywords[keyword] || slices.Contains(builtinKeywords, keyword):
			return fmt.Errorf("smtp: extension %q is there already", e.Keyword)
		}
		keywords[keyword] = true
		for _, p := range e.MailParams {
			var cmd smtpwire.Mail
			if cmd.Parse("FROM:<> "+p+"=x") != nil || len(cmd.Params) != 1 || o.mail[ascii.ToUpper(p)] != nil {
				return fmt.Errorf("smtp: parameter %q of MAIL cannot be added", p)
			}
			o.mail[ascii.ToUpper(p)] = e
		}
		for _, p := range e.RcptParams {
			var cmd smtpwire.Rcpt
			if cmd.Parse("TO:<Postmaster> "+p+"=x") != nil || len(cmd.Params) != 1 || o.rcpt[ascii.ToUpper(p)] != nil {
				return fmt.Errorf("smtp: parameter %q of RCPT cannot be added", p)
			}
			o.rcpt[ascii.ToUpper(p)] = e
		}
		for j := range e.Commands {
			if err := o.registerCommand(e, &e.Commands[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *ownExtensions) registerCommand(e *Extension, c *Command) error {
	verb := ascii.ToUpper(c.Verb)
	_, twice := o.commands[verb]
	known, _ := smtpwire.SplitVerb([]byte(verb))
	if twice || known != smtpwire.Unknown || isHTTP(verb) || !isVerb(verb) || c.Run == nil {
		return fmt.Errorf("smtp: command %q cannot be added", c.Verb)
	}
	own := ownCommand{ext: e, cmd: c, in: phaseGreeted}
	if len(c.Phases) > 0 {
		own.in = 0
	}
	for _, p := range c.Phases {
		switch p {
		case PhaseGreeted:
			own.in |= phaseGreeted
		case PhaseMail:
			own.in |= phaseMail
		case PhaseRecipients:
			own.in |= phaseRecipients
		default:
			return fmt.Errorf("smtp: command %q cannot be in order in phase %q", c.Verb, p)
		}
	}
	o.commands[verb] = own
	return nil
}

// longestVerb is the length of the longest verb that a program can add.
const longestVerb = 20

func isVerb(s string) bool {
	const set = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
	return s != "" && len(s) <= longestVerb && strings.Trim(s, set) == ""
}

// builtinKeywords are those of the extensions that are the server's.
var builtinKeywords = []string{
	"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE", "HELP", "CHUNKING", "BINARYMIME", "PRDR", "STARTTLS", "AUTH", "SMTPUTF8",
	"DSN", "DELIVERBY", "MT-PRIORITY", "FUTURERELEASE", "REQUIRETLS", "RRVS", "LIMITS", "VRFY", "EXPN", "ETRN", "XCLIENT", "XFORWARD",
}

// ownKeywords appends the program's own extensions.
func (s *session) ownKeywords(lines []string) []string {
	for i := range s.srv.Extensions {
		if e := &s.srv.Extensions[i]; s.offersOwn(e) {
			lines = append(lines, strings.TrimRight(e.Keyword+" "+e.Parameters, " "))
		}
	}
	return lines
}

func (s *session) offersOwn(e *Extension) bool {
	return e.Available == nil || e.Available(s.connectionState())
}

// ownCommand finds the command of the program's own that a line begins with.
func (s *session) ownCommand(line []byte) (own ownCommand, args string, ok bool) {
	if len(s.srv.own.commands) == 0 {
		return ownCommand{}, "", false
	}
	word, args, _ := strings.Cut(strings.TrimRight(string(line), " \t"), " ")
	if len(word) > longestVerb {
		return ownCommand{}, "", false
	}
	own, ok = s.srv.own.commands[ascii.ToUpper(word)]
	return own, args, ok && s.extended && s.offersOwn(own.ext)
}

// runOwn answers a command of the program's own.
func (s *session) runOwn(own ownCommand, args string) smtpwire.Reply {
	switch {
	case s.srv.RequireTLS && s.state.TLS == nil:
		return replyTLSFirst
	case s.tooIdle():
		return replyTooIdle
	case !s.phase.within(own.in):
		return replySequence
	}
	r, err := own.cmd.Run(s.ask(), s.connectionState(), s.tx, args)
	s.answered()
	if err != nil {
		return s.refusal(err)
	}
	class := r.Code / 100
	if class != 2 && class != 4 && class != 5 || r.Code > 599 {
		s.log.ErrorContext(s.ctx, "command with a reply that is not final", "verb", own.cmd.Verb, "code", r.Code)
		return replyLocalError
	}
	if int(r.Enhanced[0]) != class {
		r.Enhanced = EnhancedCode{uint16(class), 0, 0}
	}
	return r
}

package smtp_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// counter is an extension of a program: it counts.
func counter(run func(ctx context.Context, cs auth.ConnectionState, tx *smtp.Transaction, args string) (smtp.Reply, error)) smtp.Extension {
	return smtp.Extension{
		Keyword: "X-COUNT", Parameters: "1 2",
		MailParams: []string{"XFROM"}, RcptParams: []string{"XTO"},
		Commands: []smtp.Command{
			{Verb: "XCOUNT", Run: run},
			{Verb: "XIN", Phases: []auth.Phase{smtp.PhaseMail, smtp.PhaseRecipients}, Run: run},
		},
	}
}

func TestServerOwnExtension(t *testing.T) {
	t.Parallel()
	run := func(ctx context.Context, cs auth.ConnectionState, tx *smtp.Transaction, args string) (smtp.Reply, error) {
		require.NoError(t, ctx.Err())
		require.Equal(t, "client.example.com", cs.Hello)
		switch args {
		case "refuse":
			return smtp.Reply{}, &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "no"}
		case "fail":
			return smtp.Reply{}, errors.New("secret")
		case "more":
			return smtp.Reply{Code: 334}, nil
		case "bye":
			return smtp.Reply{Code: 221, Lines: []string{"bye"}}, nil
		case "lines":
			return smtp.Reply{Code: 250, Enhanced: smtp.EnhancedCode{5, 0, 0}, Lines: []string{"a\r\nb", "c"}}, nil
		}
		if tx != nil {
			args += " " + tx.Envelope.From.String()
		}
		return smtp.Reply{Code: 250, Enhanced: smtp.EnhancedCode{2, 1, 0}, Lines: []string{"<" + args + ">"}}, nil
	}
	s := newSite(t, &smtp.Server{Extensions: []smtp.Extension{counter(run)}, MaxErrors: -1})
	p := s.dial()
	p.expect("220 ")
	p.say("XCOUNT\r\nHELO client.example.com\r\nXCOUNT\r\n")
	p.expect("500 ", "250 ", "500 ")
	params, ok := p.hello()["X-COUNT"]
	require.True(t, ok)
	require.Equal(t, "1 2", params)
	p.say("XCOUNT\r\nxcount  a b \r\nXCOUNT refuse\r\nXCOUNT fail\r\nXCOUNT more\r\nXCOUNT lines\r\nXIN\r\nXCOUNTS\r\n")
	p.expect("250 2.1.0 <>", "250 2.1.0 < a b>", "550 5.7.1 no", "451 4.3.0 ", "451 4.3.0 ", "250-2.0.0 a", "503 5.5.1 ", "500 5.5.2 ")
	p.say("MAIL FROM:<a@b> XTO=1\r\nMAIL FROM:<a@b> xfrom=1\r\nXIN\r\nXCOUNT\r\nRCPT TO:<bob@example.org> XFROM\r\nRCPT TO:<bob@example.org> XTO=5\r\nDATA\r\n.\r\n")
	p.expect("555 ", "250 ", "250 2.1.0 < a@b>", "503 ", "555 ", "250 ", "354 ", "250 ")
	e := s.letters()[0].tx.Envelope
	require.Equal(t, []smtp.Param{{Keyword: "xfrom", Value: "1"}}, e.Params)
	require.Equal(t, []smtp.Param{{Keyword: "XTO", Value: "5"}}, e.To[0].Params)
	p.say("XCOUNT bye\r\n")
	p.expect("221 2.0.0 bye")
	p.expectEnd()
}

// TestServerOwnExtensionHidden: an extension that is not available does not exist.
func TestServerOwnExtensionHidden(t *testing.T) {
	t.Parallel()
	e := counter(func(context.Context, auth.ConnectionState, *smtp.Transaction, string) (smtp.Reply, error) {
		return smtp.Reply{Code: 250}, nil
	})
	e.Available = func(cs auth.ConnectionState) bool { return cs.Identity != nil }
	srv := &smtp.Server{Extensions: []smtp.Extension{e}, Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}}
	s := newSite(t, srv)
	p := s.dial()
	p.expect("220 ")
	_, ok := p.hello()["X-COUNT"]
	require.False(t, ok)
	p.say("XCOUNT\r\nMAIL FROM:<a@b> XFROM\r\n")
	p.expect("500 ", "555 ")
	p.say("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
	p.expect("235 ")
	_, ok = p.hello()["X-COUNT"]
	require.True(t, ok)
	p.say("XCOUNT\r\nMAIL FROM:<a@b> XFROM\r\n")
	p.expect("250 2.0.0", "250 ")
}

// TestServerOwnCommandLimits: commands of the program's own wait for TLS where all do, and
// are counted as those that move no message along.
func TestServerOwnCommandLimits(t *testing.T) {
	t.Parallel()
	e := counter(func(context.Context, auth.ConnectionState, *smtp.Transaction, string) (smtp.Reply, error) {
		return smtp.Reply{Code: 250}, nil
	})
	s := newSite(t, withTLS(t, &smtp.Server{Extensions: []smtp.Extension{e}, RequireTLS: true}))
	p := s.greeted()
	p.say("XCOUNT\r\n")
	p.expect("530 5.7.0 ")

	s = newSite(t, &smtp.Server{Extensions: []smtp.Extension{e}, MaxIdleCommands: 3})
	p = s.greeted()
	p.say("XCOUNT\r\nXCOUNT\r\nXCOUNT\r\n")
	p.expect("250 ", "250 ", "421 4.7.0 ")
}

// TestServerBadExtensions: nothing of the server's can be replaced, and nothing put on the
// wire that is no keyword.
func TestServerBadExtensions(t *testing.T) {
	t.Parallel()
	run := func(context.Context, auth.ConnectionState, *smtp.Transaction, string) (smtp.Reply, error) {
		return smtp.Reply{Code: 250}, nil
	}
	for name, e := range map[string][]smtp.Extension{
		"no keyword":        {{}},
		"keyword with LF":   {{Keyword: "X\r\n250 Y"}},
		"keyword, blank":    {{Keyword: "X Y"}},
		"built-in":          {{Keyword: "size"}},
		"twice":             {{Keyword: "X"}, {Keyword: "x"}},
		"parameters":        {{Keyword: "X", Parameters: "a\r\nb"}},
		"long":              {{Keyword: "X", Parameters: strings.Repeat("x", 500)}},
		"built-in MAIL":     {{Keyword: "X", MailParams: []string{"size"}}},
		"bad MAIL":          {{Keyword: "X", MailParams: []string{"a b"}}},
		"MAIL twice":        {{Keyword: "X", MailParams: []string{"a", "A"}}},
		"built-in RCPT":     {{Keyword: "X", RcptParams: []string{"Notify"}}},
		"bad RCPT":          {{Keyword: "X", RcptParams: []string{"a=b"}}},
		"RCPT twice":        {{Keyword: "X", RcptParams: []string{"a"}}, {Keyword: "Y", RcptParams: []string{"a"}}},
		"built-in command":  {{Keyword: "X", Commands: []smtp.Command{{Verb: "mail", Run: run}}}},
		"HTTP":              {{Keyword: "X", Commands: []smtp.Command{{Verb: "get", Run: run}}}},
		"command, blank":    {{Keyword: "X", Commands: []smtp.Command{{Verb: "A B", Run: run}}}},
		"command, long":     {{Keyword: "X", Commands: []smtp.Command{{Verb: strings.Repeat("X", 21), Run: run}}}},
		"command twice":     {{Keyword: "X", Commands: []smtp.Command{{Verb: "XA", Run: run}, {Verb: "xa", Run: run}}}},
		"command, no Run":   {{Keyword: "X", Commands: []smtp.Command{{Verb: "XA"}}}},
		"command, no phase": {{Keyword: "X", Commands: []smtp.Command{{Verb: "XA", Run: run, Phases: []auth.Phase{smtp.PhaseConnected}}}}},
	} {
		srv := &smtp.Server{Hostname: "mx.example.org", Handler: smtp.HandlerFunc(nil), Addr: "127.0.0.1:-1", Extensions: e}
		require.NotContains(t, srv.ListenAndServe().Error(), "port", name)
	}
}

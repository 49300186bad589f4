package smtp_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// limited is a fault by which a server states limits in its reply to EHLO.
func limited(limits string) smtptest.Fault {
	return smtptest.Fault{At: smtptest.AtEHLO, Say: "250-smtp.test\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 LIMITS " + limits + "\r\n"}
}

// names returns a, b, c and so on.
func names(n int) (names []string) {
	for i := range n {
		names = append(names, string(rune('a'+i)))
	}
	return names
}

// arrived tells to whom the messages have come, one word for each.
func arrived(s *smtptest.Server) (words []string) {
	for _, m := range s.Messages() {
		word := ""
		for _, to := range m.Envelope.To {
			word += to.Address.Local()
		}
		words = append(words, word)
	}
	return words
}

// crowded is a server in memory that takes so many recipients in a transaction.
func crowded(t *testing.T, most int, refusal smtp.Error) *smtptest.Server {
	s := smtptest.NewUnstartedServer(t)
	s.Memory = true
	s.Config.Hooks.Recipient = func(_ context.Context, tx *smtp.Transaction, to smtp.Recipient) error {
		switch {
		case to.Address.Local() == "nobody":
			return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user"}
		case to.Address.Local() == "full":
			return &smtp.Error{Code: 452, Enhanced: smtp.EnhancedCode{4, 2, 2}, Text: "mailbox full"}
		case len(tx.Envelope.To) >= most:
			return &refusal
		}
		return nil
	}
	s.Start()
	return s
}

// What a server says that it takes is what it gets.
func TestTransport_Limits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limits  string
		to      []string
		arrived []string
		conns   int64
	}{
		"none":                {"X-OTHER=1", names(5), []string{"abcde"}, 1},
		"recipients":          {"RCPTMAX=2", names(5), []string{"ab", "cd", "e"}, 1},
		"as many as there":    {"RCPTMAX=5", names(5), []string{"abcde"}, 1},
		"messages":            {"MAILMAX=1", names(2), []string{"ab"}, 1},
		"both":                {"RCPTMAX=1 MAILMAX=2", names(5), []string{"a", "b", "c", "d", "e"}, 3},
		"domains":             {"RCPTDOMAINMAX=1", []string{"a@x.example", "b@X.example", "c@y.example", "d@z.example"}, []string{"ab", "c", "d"}, 3},
		"nonsense is ignored": {"RCPTMAX=0 MAILMAX=x", names(3), []string{"abc"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := smtptest.NewMemoryServer(t)
				s.Misbehave(limited(tt.limits))
				tr := pool(t, s)
				tr.Config.TLS = smtp.InsecureNoTLS
				result, err := tr.Send(t.Context(), s.Addr, post(t, tt.to...), mail())
				require.NoError(t, err)
				require.Equal(t, tt.arrived, arrived(s))
				require.Equal(t, smtp.Accepted, result.Outcome)
				require.Equal(t, 250, result.Reply.Code)
				require.Len(t, result.Recipients, len(tt.to))
				for i, r := range result.Recipients {
					require.NoError(t, r.Err)
					require.Equal(t, smtp.Accepted, r.Outcome)
					require.Equal(t, strings.SplitN(tt.to[i], "@", 2)[0], r.Recipient.Address.Local())
				}
				stats := tr.Stats()
				require.Equal(t, tt.conns, stats.Dialed)
				require.EqualValues(t, len(tt.arrived)-1, stats.Splits)
				require.EqualValues(t, 1, stats.Accepted)
			})
		})
	}
}

// MAILMAX counts over all messages of a connection.
func TestTransport_MailMax(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		s.Misbehave(limited("MAILMAX=3"))
		tr := pool(t, s)
		tr.Config.TLS = smtp.InsecureNoTLS
		for range 10 {
			sent(t, tr, s.Addr)
		}
		require.EqualValues(t, 4, tr.Stats().Dialed)
	})
}

// A server that tells of too many recipients gets the others in transactions of
// their own, and who was refused for another reason is refused.
func TestTransport_TooManyRecipients(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]smtp.Error{
		"452 4.5.3": {Code: 452, Enhanced: smtp.EnhancedCode{4, 5, 3}, Text: "too many recipients"},
		"552 5.5.3": {Code: 552, Enhanced: smtp.EnhancedCode{5, 5, 3}, Text: "too many recipients"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := crowded(t, 2, refusal)
				tr := pool(t, s)
				result, err := tr.Send(t.Context(), s.Addr, post(t, "a", "nobody", "b", "c", "full", "d", "e"), mail())
				var failure *smtp.SendError
				require.ErrorAs(t, err, &failure)
				require.Equal(t, smtp.StepRcpt, failure.Step)
				require.Equal(t, smtp.Accepted, failure.Outcome)
				var reply *smtp.Error
				require.ErrorAs(t, err, &reply)
				require.Equal(t, 550, reply.Code, "the worst")
				require.False(t, smtp.SafeToRetry(err))
				require.Equal(t, []string{"ab", "cd", "e"}, arrived(s))
				for _, r := range result.Recipients {
					switch r.Recipient.Address.Local() {
					case "nobody":
						require.False(t, r.Temporary)
					case "full":
						require.True(t, r.Temporary)
					default:
						require.NoError(t, r.Err)
						continue
					}
					require.Equal(t, smtp.Refused, r.Outcome)
					require.Equal(t, smtp.StepRcpt, r.Step)
				}
				// It has learned.
				_, err = tr.Send(t.Context(), s.Addr, post(t, names(4)...), mail())
				require.NoError(t, err)
				require.Equal(t, []string{"ab", "cd"}, arrived(s)[3:])
			})
		})
	}
}

// A message to more recipients than a server has to take goes in transactions of as
// many as it takes.
func TestTransport_ManyRecipients(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.5.3.1.8-4")
	synctest.Test(t, func(t *testing.T) {
		s := crowded(t, 100, smtp.Error{Code: 452, Enhanced: smtp.EnhancedCode{4, 5, 3}, Text: "too many recipients"})
		tr := pool(t, s)
		var to []string
		for i := range 250 {
			to = append(to, fmt.Sprintf("r%d", i))
		}
		_, err := tr.Send(t.Context(), s.Addr, post(t, to...), mail())
		require.NoError(t, err)
		messages := s.Messages()
		require.Len(t, messages, 3)
		for i, most := range []int{100, 100, 50} {
			require.Len(t, messages[i].Envelope.To, most)
			require.Equal(t, to[i*100], messages[i].Envelope.To[0].Address.Local())
		}
	})
}

// A server that has no room for anybody is not asked again and again.
func TestTransport_TooManyForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := crowded(t, 0, smtp.Error{Code: 452, Enhanced: smtp.EnhancedCode{4, 5, 3}, Text: "too many recipients"})
		tr := pool(t, s)
		result, err := tr.Send(t.Context(), s.Addr, post(t, "a", "b"), mail())
		require.True(t, smtp.SafeToRetry(err), "%v", err)
		require.Equal(t, smtp.Refused, result.Outcome)
		require.Zero(t, tr.Stats().Splits)
	})
}

// One transaction of a split message is lost: those who have it have it.
func TestTransport_SplitIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		s.Misbehave(limited("RCPTMAX=1"), smtptest.Fault{At: smtptest.AtEnd, Skip: 1, Times: 1, Mute: true, Then: smtptest.Close})
		tr := pool(t, s)
		tr.Config.TLS = smtp.InsecureNoTLS
		result, err := tr.Send(t.Context(), s.Addr, post(t, "a", "b", "c"), mail())
		require.Error(t, err)
		require.False(t, smtp.SafeToRetry(err))
		require.Equal(t, smtp.Accepted, result.Outcome)
		require.Equal(t, smtp.Accepted, result.Recipients[0].Outcome)
		require.Equal(t, smtp.Unknown, result.Recipients[1].Outcome)
		require.Equal(t, smtp.Accepted, result.Recipients[2].Outcome)
		require.Equal(t, []string{"a", "b", "c"}, arrived(s))
	})
}

// A body that can be read only once goes to as many as one transaction takes if
// it is too long to be kept, and nobody is told a lie.
func TestTransport_SplitStream(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		octets  int
		arrived []string
	}{
		"short": {1000, []string{"ab", "c"}},
		"long":  {100_000, []string{"ab"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := smtptest.NewMemoryServer(t)
				s.Misbehave(limited("RCPTMAX=2"))
				tr := pool(t, s)
				tr.Config.TLS = smtp.InsecureNoTLS
				body := strings.Repeat("0123456789012345678901234567\r\n", tt.octets/30)
				result, err := tr.Send(t.Context(), s.Addr, post(t, names(3)...), io.MultiReader(strings.NewReader(body)))
				require.Equal(t, smtp.Accepted, result.Outcome)
				require.Equal(t, tt.arrived, arrived(s))
				for _, m := range s.Messages() {
					require.Equal(t, body, string(m.Data))
				}
				last := result.Recipients[2]
				require.Equal(t, len(tt.arrived) == 2, last.Outcome == smtp.Accepted)
				require.Equal(t, last.Err == nil, err == nil)
				require.Equal(t, last.Err != nil, last.Temporary)
			})
		})
	}
}

// All or nothing cannot be had from several transactions.
func TestTransport_SplitRequiresAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		s.Misbehave(limited("RCPTMAX=2"))
		tr := pool(t, s)
		tr.Config.TLS, tr.Config.RequireAllRecipients = smtp.InsecureNoTLS, true
		result, err := tr.Send(t.Context(), s.Addr, post(t, names(3)...), mail())
		var many *smtp.LimitError
		require.ErrorAs(t, err, &many)
		require.Equal(t, "RCPTMAX", many.Keyword)
		require.False(t, smtp.SafeToRetry(err))
		require.Equal(t, smtp.Refused, result.Outcome)
		require.Empty(t, s.Messages())
		_, err = tr.Send(t.Context(), s.Addr, post(t, names(2)...), mail())
		require.NoError(t, err)
	})
}

// Of what is unknown the error tells, whoever else was refused for good.
func TestTransport_SplitUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		s.Misbehave(limited("RCPTMAX=1"),
			smtptest.Fault{At: smtptest.AtRCPT, Times: 1, Say: "550 5.1.1 no such user\r\n"},
			smtptest.Fault{At: smtptest.AtEnd, Mute: true, Then: smtptest.Close})
		tr := pool(t, s)
		tr.Config.TLS = smtp.InsecureNoTLS
		result, err := tr.Send(t.Context(), s.Addr, post(t, "a", "b"), mail())
		require.Equal(t, smtp.Unknown, result.Outcome)
		require.False(t, smtp.SafeToRetry(err))
		failure := new(smtp.SendError)
		require.ErrorAs(t, err, &failure)
		require.Equal(t, smtp.StepEnd, failure.Step)
		require.NotErrorAs(t, err, new(*smtp.Error))
	})
}

// byData keeps a client from sending a whole message in one flight, of which then
// nothing is known when the connection ends.
var byData = smtptest.Fault{At: smtptest.AtEHLO, Without: []string{"CHUNKING"}}

// A kept connection that the server is about to close says so only when it is
// used. Nobody has the message then, and it goes over another one, once.
func TestTransport_Stale(t *testing.T) {
	t.Parallel()
	bye := smtptest.Fault{At: smtptest.AtMAIL, Skip: 1, Say: "421 4.3.2 bye\r\n", Then: smtptest.Close}
	gone := smtptest.Fault{At: smtptest.AtMAIL, Skip: 1, Mute: true, Then: smtptest.Close}
	always := smtptest.Fault{At: smtptest.AtMAIL, Say: "421 4.3.2 bye\r\n", Then: smtptest.Close}
	busy := smtptest.Fault{At: smtptest.AtMAIL, Skip: 1, Say: "451 4.3.0 later\r\n"}
	for name, tt := range map[string]struct {
		fault   smtptest.Fault
		body    func() io.Reader
		ok      bool
		retries int64
	}{
		"421":            {bye, mail, true, 1},
		"gone":           {gone, mail, true, 1},
		"421, stream":    {bye, func() io.Reader { return io.MultiReader(mail()) }, true, 1},
		"a mere refusal": {busy, mail, false, 0},
		"421 at once":    {always, mail, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := smtptest.NewMemoryServer(t)
				s.Misbehave(tt.fault, byData)
				tr := pool(t, s)
				_, err := tr.Send(t.Context(), s.Addr, post(t, "first"), tt.body())
				require.Equal(t, tt.fault.Skip > 0, err == nil, "%v", err)
				_, err = tr.Send(t.Context(), s.Addr, post(t, "second"), tt.body())
				require.Equal(t, tt.ok, err == nil, "%v", err)
				require.Equal(t, tt.retries, tr.Stats().Retries)
				if tt.ok {
					require.Equal(t, []string{"first", "second"}, arrived(s))
				} else {
					require.True(t, smtp.SafeToRetry(err))
				}
			})
		})
	}
}

// A 421 that has come to an idle connection is seen before the next use.
func TestTransport_IdleGoodbye(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		s.Misbehave(smtptest.Fault{At: smtptest.AtIdle, Delay: time.Second, Say: "421 4.4.2 idle\r\n", Then: smtptest.Close})
		tr := pool(t, s)
		for range 3 {
			sent(t, tr, s.Addr)
			time.Sleep(10 * time.Second)
		}
		stats := tr.Stats()
		require.EqualValues(t, 3, stats.Dialed)
		require.EqualValues(t, 2, stats.Stale)
		require.Zero(t, stats.Retries)
	})
}

// A server that is out of step is never spoken to again.
func TestTransport_Poisoned(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]smtptest.Fault{
		"two replies":    {At: smtptest.AtEnd, Times: 1, Say: "250 ok\r\n250 ok\r\n"},
		"last lost":      {At: smtptest.AtEnd, Times: 1, Mute: true, Then: smtptest.Stall},
		"mixed codes":    {At: smtptest.AtRCPT, Times: 1, Say: "250-a\r\n550 b\r\n"},
		"unasked":        {At: smtptest.AtIdle, Times: 1, Say: "250 ok\r\n"},
		"cut":            {At: smtptest.AtDATA, Times: 1, Cut: 4, Then: smtptest.Close},
		"half-closed":    {At: smtptest.AtEnd, Times: 1, Then: smtptest.HalfClose},
		"garbage at end": {At: smtptest.AtEnd, Times: 1, Say: "ok\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := smtptest.NewMemoryServer(t)
				s.Misbehave(fault, byData)
				tr := pool(t, s)
				result, err := tr.Send(t.Context(), s.Addr, post(t, "first"), mail())
				if err == nil {
					require.Equal(t, smtp.Accepted, result.Outcome)
				}
				time.Sleep(time.Second)
				for i := range 3 {
					_, err := tr.Send(t.Context(), s.Addr, post(t, fmt.Sprintf("next%d", i)), mail())
					require.NoError(t, err)
				}
				require.EqualValues(t, 2, tr.Stats().Dialed)
				require.Subset(t, arrived(s), []string{"next0", "next1", "next2"})
			})
		})
	}
}

package smtp_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// TestServerRepliesBeforeCutLine: the beginning of a command behind a group keeps back
// neither the replies to the group nor a shutdown. It used to do both, until the rest
// of the command came or five minutes were over.
func TestServerRepliesBeforeCutLine(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2920-3.2-8")
	for n := range 70 { // wherever what the server reads at once may end
		synctest.Test(t, func(t *testing.T) {
			s := startSite(t, &smtp.Server{}, false)
			p := s.greeted()
			defer func() { // also if it fails
				_ = p.Close()
				_ = s.srv.Close()
			}()
			begin := time.Now()
			p.say("MAIL FROM:<>\r\nRCPT TO:<bob@" + strings.Repeat("x.", n) + "example.org>\r\nRSET\r\nMAIL FR")
			p.expect("250 2.1.0 ", "", "250 2.0.0 ")
			synctest.Wait()
			require.NoError(t, s.srv.Shutdown(context.Background()))
			p.expect("421 4.3.2 ")
			p.expectEnd()
			// At 64 octets, which is what the server reads at once while it waits, it looks
			// for a moment whether there is more.
			require.LessOrEqual(t, time.Since(begin), time.Millisecond)
			require.ErrorIs(t, <-s.done, smtp.ErrServerClosed)
		})
	}
}

// TestServerMaxRecipientsHuge: a limit beyond all numbers does not overflow to none.
func TestServerMaxRecipientsHuge(t *testing.T) {
	t.Parallel()
	p := newSite(t, &smtp.Server{MaxRecipients: math.MaxInt, Hooks: smtp.Hooks{
		Recipient: func(context.Context, *smtp.Transaction, smtp.Recipient) error { return errors.New("later") },
	}}).greeted()
	p.say("MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<bob@example.org>\r\n")
	p.expect("250 ", "451 ", "451 ")
}

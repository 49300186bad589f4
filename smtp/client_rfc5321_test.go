package smtp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestClient_AppendixD plays the scenarios of RFC 5321 appendix D.
func TestClient_AppendixD(t *testing.T) {
	t.Parallel()
	cfg := ClientConfig{TLS: InsecureNoTLS}
	all := cfg
	all.RequireAllRecipients = true
	const etc = "Blah blah blah...\r\n...etc. etc. etc.\r\n"
	send := func(from, body string, outcome Outcome, step Step, to []string, codes ...int) func(*testing.T, *Client, error) {
		return func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			env := Envelope{From: address(t, from)}
			for _, to := range to {
				env.To = append(env.To, Recipient{Address: address(t, to)})
			}
			result, err := c.Send(t.Context(), env, strings.NewReader(body))
			checkResult(t, env, result, err, outcome, step, codes...)
			if outcome == Refused {
				require.NoError(t, c.Reset(t.Context()))
			}
			leaves(t, c, nil)
		}
	}
	play(t, "testdata/client_rfc5321.txtar", noPrologue, map[string]scene{
		"D.1 a typical SMTP transaction": {cfg, send("Smith@bar.com", etc, Accepted, StepRcpt,
			[]string{"Jones@foo.com", "Green@foo.com", "Brown@foo.com"}, 250, 550, 250)},
		"D.2 an aborted transaction": {all, send("Smith@bar.com", etc, Refused, StepRcpt, []string{"Jones@foo.com", "Green@foo.com"}, 0, 550)},
		"D.3 relayed mail, to a server without extensions": {cfg, send("JQP@bar.com",
			"Received: from bar.com by foo.com ; Thu, 21 May 1998\r\n    05:33:29 -0700\r\nSubject:  The Next Meeting of the Board\r\n\r\nBill:\r\n",
			Accepted, "", []string{"Jones@XYZ.COM"}, 250)},
		"D.4 verifying and sending": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			reply, err := c.Verify(t.Context(), "Crispin")
			require.NoError(t, err)
			require.Equal(t, []string{"Mark Crispin <Admin.MRC@foo.com>"}, reply.Lines)
			send("EAK@bar.com", etc, Accepted, "", []string{"Admin.MRC@foo.com"}, 250)(t, c, nil)
		}},
	})
}

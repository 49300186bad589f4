package smtp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestClientExtensions plays the dialogues of a client with SMTPUTF8, and without what
// it needs.
func TestClientExtensions(t *testing.T) {
	t.Parallel()
	cfg := ClientConfig{TLS: InsecureNoTLS}
	to := func(t *testing.T, addresses ...string) (all []Recipient) {
		for _, a := range addresses {
			all = append(all, Recipient{Address: address(t, a)})
		}
		return all
	}
	play(t, "testdata/client_extensions.txtar", func(string) string { return "" }, map[string]scene{
		"the keyword with a parameter": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			_, err = c.Send(t.Context(), Envelope{From: address(t, "gr\u00fcn@example.org"), To: to(t, "a@b")}, strings.NewReader("\r\n"))
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, 550, refused.Code)
		}},
		"replies to RCPT that name a mailbox": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			env := Envelope{From: address(t, "a@example.org"), To: to(t, "gr\u00fcn@example.org", "blau@b\u00fccher.example")}
			result, err := c.Send(t.Context(), env, strings.NewReader("\r\n"))
			require.Error(t, err)
			require.Equal(t, Accepted, result.Recipients[0].Outcome)
			require.Equal(t, Refused, result.Recipients[1].Outcome)
			var moved *Error
			require.ErrorAs(t, result.Recipients[1].Err, &moved)
			require.Equal(t, "please try <rot@b\u00fccher.example>", moved.Text)
		}},
		"VRFY and EXPN": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			reply, err := c.Verify(t.Context(), "gr\u00fcn")
			require.NoError(t, err)
			require.Equal(t, []string{"Gr\u00fcn <gr\u00fcn@b\u00fccher.example>"}, reply.Lines)
			reply, err = c.Expand(t.Context(), "farben-\u00fc")
			require.NoError(t, err)
			require.Equal(t, []string{"<gr\u00fcn@b\u00fccher.example>", "Gelb <gelb@b\u00fccher.example>"}, reply.Lines)
			_, err = c.Verify(t.Context(), "bob")
			require.NoError(t, err)
		}},
		"VRFY without the extension": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			_, err = c.Verify(t.Context(), "gr\u00fcn")
			var missing *ExtensionError
			require.ErrorAs(t, err, &missing)
			_, err = c.Verify(t.Context(), "bob")
			require.NoError(t, err)
		}},
		"REQUIRETLS is offered in cleartext": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			_, err = c.Send(t.Context(), Envelope{To: to(t, "a@b"), RequireTLS: true}, strings.NewReader("\r\n"))
			require.ErrorIs(t, err, ErrRequireTLS)
			require.NoError(t, c.Quit(t.Context()))
		}},
		"DSN is not offered": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			notified, original := to(t, "a@b"), to(t, "a@b")
			notified[0].Notify, original[0].Original = NotifyNever, "rfc822;a@b"
			for _, env := range []Envelope{
				{To: to(t, "a@b"), Return: ReturnFull},
				{To: to(t, "a@b"), ID: "x"},
				{To: notified},
				{To: original},
			} {
				_, err = c.Send(t.Context(), env, strings.NewReader("\r\n"))
				var missing *ExtensionError
				require.ErrorAs(t, err, &missing)
				require.Equal(t, "DSN", missing.Keyword)
			}
			require.NoError(t, c.Quit(t.Context()))
		}},
	})
}

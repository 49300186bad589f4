package smtp

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var errLabel = errors.New("not a label")

// labels knows the A-labels of some domains.
func labels(domain string) (string, error) {
	switch domain {
	case "ü.example":
		return "xn--tda.example", nil
	case "ö.example":
		return "x.example> SIZE=1", nil
	case "ä.example":
		return "ä.example", nil
	}
	return "", errLabel
}

// Domains are given in A-labels to a server that knows no others, if that is all
// that keeps the message from it.
func TestClientSend_ALabels(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to string
		offer    string
		convert  func(string) (string, error)
		mail     string // the line; nothing is sent without
		rcpt     string
		cause    error
	}{
		"both":             {"a@ü.example", "b@ü.example", "X", labels, "<a@xn--tda.example>", "<b@xn--tda.example>", nil},
		"quoted":           {"a@b.example", `"a@ b"@ü.example`, "X", labels, "<a@b.example>", `<"a@ b"@xn--tda.example>`, nil},
		"none asked":       {"a@b.example", "b@ü.example", "X", nil, "", "", nil},
		"server knows":     {"a@ü.example", "b@ü.example", "SMTPUTF8", labels, "<a@ü.example> SMTPUTF8", "<b@ü.example>", nil},
		"local part":       {"ü@ü.example", "b@ü.example", "X", labels, "", "", nil},
		"no label":         {"a@b.example", "b@ß.example", "X", labels, "", "", errLabel},
		"not to be parsed": {"a@ö.example", "b@b.example", "X", labels, "", "", nil},
		"not converted":    {"a@ä.example", "b@b.example", "X", labels, "", "", nil},
		"nothing to do":    {"a@b.example", "b@b.example", "X", labels, "<a@b.example>", "<b@b.example>", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &echo{offers: []string{"PIPELINING", "CHUNKING", tt.offer}}
			c, err := NewClient(t.Context(), p, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "c", ToASCII: tt.convert})
			require.NoError(t, err)
			p.wrote = nil
			env := Envelope{From: address(t, tt.from), To: []Recipient{{Address: address(t, tt.to)}}}
			result, err := c.Send(t.Context(), env, strings.NewReader("x\r\n"))
			require.Equal(t, address(t, tt.to), env.To[0].Address, "the caller's own is left alone")
			require.Equal(t, address(t, tt.to), result.Recipients[0].Recipient.Address)
			if tt.mail == "" {
				missing := new(ExtensionError)
				require.ErrorAs(t, err, &missing)
				require.Equal(t, "SMTPUTF8", missing.Keyword)
				require.False(t, SafeToRetry(err))
				require.Empty(t, p.wrote)
				if tt.cause != nil {
					require.ErrorIs(t, err, tt.cause)
				}
				return
			}
			require.NoError(t, err)
			p.expect(t, "MAIL FROM:"+tt.mail, "RCPT TO:"+tt.rcpt, "BDAT 3 LAST", "x")
		})
	}
}

// The recipients of an envelope are copied once, and not once for each of them.
func TestClientSend_ALabelsOfMany(t *testing.T) {
	env := Envelope{To: make([]Recipient, 2000)}
	for i := range env.To {
		env.To[i].Address = address(t, "b@ü.example")
	}
	s := newSending(&Client{cfg: &ClientConfig{ToASCII: labels}}, env)
	mail := s.env.mailCommand(time.Now())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.NoError(t, s.useALabels(&mail))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10<<20))
	for i := range env.To {
		require.Equal(t, "ü.example", env.To[i].Address.Domain())
		require.Equal(t, "xn--tda.example", s.env.To[i].Address.Domain())
	}
}

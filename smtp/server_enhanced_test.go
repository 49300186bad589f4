package smtp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// TestServerEnhancedCodes: RFC 2034 section 4 has them on each line of each reply but
// those to the connection, HELO and EHLO, and with the class of the reply's code.
func TestServerEnhancedCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, say string
		replies   int
		bare      bool
		ids       []string
	}{
		{"greeting", "", 1, true, nil},
		{"HELO and EHLO", "HELO a\r\nEHLO a\r\nEHLO\r\n", 4, true, []string{"rfc2034-4-2"}},
		{"before HELO", "NOOP\r\nMAIL\r\nBOGUS\r\nHELP\r\nQUIT\r\n", 6, false, []string{"rfc2034-4-1"}},
		{"behind HELO", "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nQUIT\r\n", 5, false, []string{"rfc2034-4-5"}},
		{"an Error of the wrong class", "HELO a\r\nMAIL FROM:<wrong@example.com>\r\n", 3, false, []string{"rfc2034-4-3"}},
		{"an Error of two lines", "HELO a\r\nMAIL FROM:<lines@example.com>\r\n", 3, false, []string{"rfc2034-4-4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.ids != nil {
				rfc.Covers(t, tt.ids...)
			}
			srv := &smtp.Server{}
			srv.Hooks.Mail = func(_ context.Context, tx *smtp.Transaction) error {
				switch tx.Envelope.From.Local() {
				case "wrong":
					return &smtp.Error{Code: 450, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "wrong"}
				case "lines":
					return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "two\nlines"}
				}
				return nil
			}
			p := newSite(t, srv).dial()
			p.say(tt.say)
			for i := range tt.replies {
				for line := range strings.SplitSeq(p.hear(), "\n") {
					greeting := i == 0 || i == 1 && strings.HasPrefix(tt.say, "HELO")
					if tt.bare || greeting {
						require.NotRegexp(t, `^\d\d\d[ -]\d\.\d`, line)
					} else {
						require.Regexp(t, `^(2\d\d[ -]2|4\d\d[ -]4|5\d\d[ -]5)\.\d+\.\d+ `, line)
					}
				}
			}
		})
	}
}

package smtpwire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// TestDSNParameters holds the parameters of RFC 3461 to its sections 4 and 5.4.
func TestDSNParameters(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100)
	for _, tt := range []struct {
		name     string
		ids      []string
		accepted []string
		refused  []string
	}{
		{"ORCPT has a value", []string{"rfc3461-4.2-1"}, []string{"TO:<a@b> ORCPT=rfc822;a@b"}, []string{"TO:<a@b> ORCPT", "TO:<a@b> ORCPT=rfc822;", "TO:<a@b> ORCPT=rfc822;a+b"}},
		{"ORCPT is printable ASCII", []string{"rfc3461-4.2-7", "rfc3461-11-1"}, []string{"TO:<a@b> ORCPT=rfc822;+22a+20b+22@c"}, []string{"TO:<a@b> ORCPT=rfc822;+C3+BC@b", "TO:<a@b> ORCPT=rfc822;+00", "TO:<a@b> ORCPT=rfc822;+7F"}},
		{"RET has a value", []string{"rfc3461-4.3-2"}, []string{"FROM:<> RET=FULL", "FROM:<> RET=hdrs"}, []string{"FROM:<> RET", "FROM:<> RET=BODY"}},
		{"ENVID has a value", []string{"rfc3461-4.4-1"}, []string{"FROM:<> ENVID=x"}, []string{"FROM:<> ENVID"}},
		{"ENVID is printable ASCII", []string{"rfc3461-4.4-2"}, []string{"FROM:<> ENVID=a+20b"}, []string{"FROM:<> ENVID=+C3+BC", "FROM:<> ENVID=+0A"}},
		{"RET and ENVID once", []string{"rfc3461-4.5-1"}, []string{"FROM:<> RET=FULL ENVID=x"}, []string{"FROM:<> RET=FULL RET=FULL", "FROM:<> ENVID=x envid=x"}},
		{"NOTIFY and ORCPT once", []string{"rfc3461-4.5-3"}, []string{"TO:<a@b> NOTIFY=NEVER ORCPT=rfc822;a@b"}, []string{"TO:<a@b> NOTIFY=NEVER notify=NEVER", "TO:<a@b> ORCPT=rfc822;a@b ORCPT=rfc822;a@b"}},
		{"longest", []string{"rfc3461-5.4-1"}, []string{"FROM:<> RET=FULL ENVID=" + long, "TO:<a@b> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;" + strings.Repeat("x", 493)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, tt.ids...)
			for _, args := range tt.accepted {
				require.NoError(t, parseEither(args), args)
			}
			for _, args := range tt.refused {
				require.Error(t, parseEither(args), args)
			}
		})
	}
}

// parseEither parses the arguments of MAIL or RCPT.
func parseEither(args string) error {
	if strings.HasPrefix(args, "FROM:") {
		return new(Mail).Parse(args)
	}
	return new(Rcpt).Parse(args)
}

// TestUTF8Original holds addresses in UTF-8 in ORCPT to RFC 6533 section 3.
func TestUTF8Original(t *testing.T) {
	t.Parallel()
	line := func(o OriginalRecipient, smtputf8 bool) string {
		b, err := (&Rcpt{To: address(t, "a@b"), Original: o, UTF8: smtputf8}).Append(nil)
		require.NoError(t, err)
		return strings.TrimSuffix(strings.TrimPrefix(string(b), "RCPT TO:<a@b> ORCPT="), "\r\n")
	}
	t.Run("octets above ASCII are taken", func(t *testing.T) {
		rfc.Covers(t, "rfc6533-3-1")
		r := Rcpt{UTF8: true}
		require.NoError(t, r.Parse("TO:<a@b> ORCPT=utf-8;gr\u00fcn@e.org"))
		require.Equal(t, "gr\u00fcn@e.org", r.Original.Address())
	})
	t.Run("without SMTPUTF8 they are escaped", func(t *testing.T) {
		rfc.Covers(t, "rfc6533-3-2", "rfc6533-3-3", "rfc6533-3-8")
		require.Equal(t, `utf-8;gr\x{FC}n\x{65E5}@e.org`, line("utf-8;gr\u00fcn\u65e5@e.org", false))
		require.Equal(t, "utf-8;gr\u00fcn\u65e5@e.org", line("utf-8;gr\u00fcn\u65e5@e.org", true))
	})
	t.Run("what no parameter can have is escaped always", func(t *testing.T) {
		rfc.Covers(t, "rfc6533-3-4")
		require.Contains(t, line(NewOriginalRecipient(address(t, "\"\u00fc =\"@e.org")), true), `\x{20}\x{3D}`)
		for _, o := range []OriginalRecipient{"utf-8;\u00fc =@e.org", "utf-8;\u00fc=@e.org", "utf-8;\u00fc+@e.org"} {
			_, err := (&Rcpt{To: address(t, "a@b"), Original: o, UTF8: true}).Append(nil)
			require.Error(t, err)
		}
	})
}

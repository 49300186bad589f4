package auth

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrepare(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, in, want string
		ok             bool
	}{
		// RFC 4013 section 3.
		{"soft hyphen mapped to nothing", "I\u00adX", "IX", true},
		{"no transformation", "user", "user", true},
		{"case preserved", "USER", "USER", true},
		{"NFKC of ISO 8859-1", "\u00aa", "a", true},
		{"NFKC", "\u2168", "IX", true},
		{"prohibited character", "\a", "", false},
		{"bidirectional check", "\u0627" + "1", "", false},

		{"empty", "", "", true},
		{"blanks kept", " a b ", " a b ", true},
		{"non-ASCII space", "a\u00a0\u3000b", "a  b", true},
		{"zero width space is a space first", "a\u200bb", "a b", true},
		{"joiner mapped to nothing", "a\u200db", "ab", true},
		{"composed", "e\u0301", "\u00e9", true},
		{"DEL", "a\u007f", "", false},
		{"C1 control", "\u00e9\u0085", "", false},
		{"private use", "\ue000", "", false},
		{"not a character", "\ufdd0", "", false},
		{"not a character in plane 16", "\U0010ffff", "", false},
		{"tag", "\U000e0041", "", false},
		{"replacement character", "\ufffd", "", false},
		{"right-to-left mark", "a\u200f", "", false},
		{"not UTF-8", "a\xff", "", false},
		{"30 marks on a letter", "x" + strings.Repeat("\u0325", 30), "x" + strings.Repeat("\u0325", 30), true},
		{"31 marks on a letter", "x" + strings.Repeat("\u0325", 31), "", false},
		{"right to left", "\u0627" + "1" + "\u0628", "\u0627" + "1" + "\u0628", true},
		{"both directions", "\u0627a\u0628", "", false},
		{"right to left begins late", "1\u0627", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := prepare(row.in)
			require.Equal(t, row.ok, err == nil, "%v", err)
			if row.ok {
				require.Equal(t, row.want, got)
			}
		})
	}
}

// TestPrepareShared runs the shared examples where they are at hand.
func TestPrepareShared(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "sasl", "sasl-rfc", "saslprep-rfc4013-s3.json"))
	if err != nil {
		t.Skip("no shared test data")
	}
	var rows []struct {
		In    string `json:"i"`
		Out   string `json:"o"`
		Error string `json:"error"`
	}
	require.NoError(t, json.Unmarshal(data, &rows))
	require.NotEmpty(t, rows)
	for _, row := range rows {
		got, err := prepare(row.In)
		require.Equal(t, row.Error == "", err == nil, "%q", row.In)
		if err == nil {
			require.Equal(t, row.Out, got)
		}
	}
}

func BenchmarkPasswords(b *testing.B) {
	p := Passwords{"tim": "tanstaaftanstaaf"}
	for name, row := range map[string][2]string{"right": {"tim", "tanstaaftanstaaf"}, "wrong": {"tim", "tanstaafxxxxxxxx"}, "unknown": {"tom", "tanstaaftanstaaf"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = p.VerifyPassword(b.Context(), row[0], row[1])
			}
		})
	}
}

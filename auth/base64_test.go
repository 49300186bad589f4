package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

func TestDecodeBase64(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, line, want string
		ok               bool
	}{
		{"RFC 4954 section 4.1", "dGVzdAB0ZXN0ADEyMzQ=", "test\x00test\x001234", true},
		{"nothing", "", "", true},
		{"empty initial response", "=", "", true},
		{"no padding needed", "YWJj", "abc", true},
		{"two pads", "YQ==", "a", true},
		{"the longest", strings.Repeat("AAAA", 12288/4), strings.Repeat("\x00", 12288/4*3), true},
		{"too long", strings.Repeat("AAAA", MaxResponse/4+1), "", false},
		{"padding missing", "YQ", "", false},
		{"half the padding missing", "YQ=", "", false},
		{"bits set in the padding", "YR==", "", false},
		{"bits set in the single pad", "YWF=", "", false},
		{"pad at the start", "=AAA", "", false},
		{"pad in the middle", "AAA=BBB", "", false},
		{"a quantum after the padding", "YQ==YWJj", "", false},
		{"two pads alone", "==", "", false},
		{"four pads", "====", "", false},
		{"blank at the end", "YWJj ", "", false},
		{"blank in between", "YW Jj", "", false},
		{"CRLF in between", "YW\r\nJj", "", false},
		{"LF at the end", "YWJj\n", "", false},
		{"URL alphabet", "-_-_", "", false},
		{"NUL", "YW\x00j", "", false},
		{"cancel", "*", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			switch {
			case row.name == "the longest":
				rfc.Covers(t, "rfc4954-4-15", "rfc5034-4-13")
			case !row.ok && len(row.line) < 100:
				rfc.Covers(t, "rfc4954-4-14", "rfc5034-4-12")
			}
			got, err := DecodeBase64(nil, []byte(row.line))
			require.NotNil(t, got)
			require.Equal(t, row.want, string(got))
			if row.ok {
				require.NoError(t, err)
			} else {
				bad := (*MalformedError)(nil)
				require.ErrorAs(t, err, &bad)
				require.NotContains(t, err.Error(), row.line)
			}
			got, err = DecodeBase64([]byte("before "), []byte(row.line))
			require.Equal(t, row.ok, err == nil)
			require.Equal(t, "before "+row.want, string(got))
		})
	}
}

package ascii

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFold compares every octet, alone, with what the standard library says of ASCII.
func TestFold(t *testing.T) {
	t.Parallel()
	for i := range 256 {
		c := byte(i)
		upper, lower := c, c
		if c < 0x80 {
			upper, lower = bytes.ToUpper([]byte{c})[0], bytes.ToLower([]byte{c})[0]
		}
		require.Equal(t, upper, Upper(c), "%#x", c)
		require.Equal(t, lower, Lower(c), "%#x", c)
		for j := range 256 {
			d := byte(j)
			same := c == d || c < 0x80 && d < 0x80 && strings.EqualFold(string(rune(c)), string(rune(d)))
			require.Equal(t, same, EqualFold([]byte{c}, string([]byte{d})), "%#x %#x", c, d)
		}
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ s, upper, lower string }{
		{"", "", ""},
		{"Mail From:", "MAIL FROM:", "mail from:"},
		{"STARTTLS", "STARTTLS", "starttls"},
		{"\u017ftarttl\u017f", "\u017fTARTTL\u017f", "\u017ftarttl\u017f"}, // LATIN SMALL LETTER LONG S is no s
		{"Gr\u00fc\u00dfe\xff", "GR\u00fc\u00dfE\xff", "gr\u00fc\u00dfe\xff"},
		{"@[`{", "@[`{", "@[`{"}, // the neighbours of the letters
	} {
		require.Equal(t, row.upper, ToUpper(row.s))
		require.Equal(t, row.lower, ToLower(row.s))
		require.True(t, EqualFold(row.upper, []byte(row.lower)), row.s)
	}
	for _, row := range [][2]string{
		{"\u212a", "k"}, // KELVIN SIGN, which Unicode folds to a k
		{"\u017f", "s"},
		{"a", "aa"},
		{"", "a"},
		{"@", "`"},
	} {
		require.False(t, EqualFold(row[0], row[1]), row)
		require.False(t, EqualFold(row[1], row[0]), row)
	}
}

func TestCutPrefixFold(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		s, prefix, rest string
		ok              bool
	}{
		{"from:<a@b>", "FROM:", "<a@b>", true},
		{"FROM:", "from:", "", true},
		{"FROM", "FROM:", "FROM", false},
		{"from <a@b>", "FROM:", "from <a@b>", false},
		{"x", "", "x", true},
	} {
		rest, ok := CutPrefixFold(row.s, row.prefix)
		require.Equal(t, row.rest, rest, row.s)
		require.Equal(t, row.ok, ok, row.s)
	}
}

func TestAllocations(t *testing.T) {
	upper, name := "STARTTLS", []byte("Content-Type")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = ToUpper(upper)
		_ = EqualFold(name, "content-type")
	}))
}

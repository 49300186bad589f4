package message

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOctets puts each octet at each place of a text.
func TestOctets(t *testing.T) {
	t.Parallel()
	for size := range 40 {
		for at := range size {
			for c := range 256 {
				b := bytes.Repeat([]byte("a"), size)
				b[at] = byte(c)
				if got, want := firstEightBit(b), slices.IndexFunc(b, func(c byte) bool { return c >= 0x80 }); got != want {
					t.Fatalf("first octet over 127 of %q at %d", b, got)
				}
				if got := countEightBit(b); got != c>>7 {
					t.Fatalf("%d octets over 127 in %q", got, b)
				}
			}
		}
	}
	for _, c := range []byte{0, '_', 0x80, 0xFF} {
		b := []byte("a" + strings.Repeat(string([]byte{c, c - 1, c, c, c + 1, 0x5E, 0xDF, 0x7F, c}), 5))
		want := bytes.ReplaceAll(b, []byte{c}, []byte{' '})
		replaceOctet(b, c, ' ')
		require.Equal(t, want, b)
	}
}

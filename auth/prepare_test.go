package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrepareForStores(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"tim":         "tim",
		"Tim ":        "Tim ",
		"I\u00adX":    "IX",
		"\u2168":      "IX",
		"pass\u00a0w": "pass w",
	} {
		got, err := Prepare(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{
		"", "\u00ad", "\a", "a\x00", "\xff", "\u0627\u0031", strings.Repeat("a", 256),
		strings.Repeat("\ufdfa", 80), // 240 octets that become many more
	} {
		_, err := Prepare(text)
		require.Error(t, err, "%q", text)
	}
}

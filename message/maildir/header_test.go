package maildir

import (
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestHeaderScan(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]bool{
		"":                                      false,
		"Subject: x\r\n\r\ngr\u00fc\u00df":      false,
		"Subject: gr\u00fc\u00df\r\n\r\nx":      true,
		"Subject: gr\u00fc\u00df\n\nx":          true,
		"Subject: gr\u00fc\u00df":               true,
		"Subject: gr\xfc\xdf\r\n\r\nx":          false,
		"Subject: gr\u00fc\xdf\r\n\r\nx":        false,
		"Subject: \xc3\r\n\r\nx":                false,
		"Subject: \U0001F4EE\u20ac\r\n\r\n":     true,
		"\u00fc\r\n\r\n\xff":                    true,
		"\r\n\u00fc":                            false,
		"a\r\n\r\n\u00fc":                       false,
		strings.Repeat("x", maxHeader) + "\xff": false,
	} {
		var whole, each headerScan
		whole.scan([]byte(message))
		for i := range len(message) {
			each.scan([]byte(message[i : i+1]))
		}
		require.Equal(t, want, whole.utf8(), "%.40q", message)
		require.Equal(t, whole, each)
	}
}

// TestDeliveryMarksUTF8: the name tells, and a name that says so is believed.
func TestDeliveryMarksUTF8(t *testing.T) {
	t.Parallel()
	d, _ := open(t)
	for message, want := range map[string]bool{"Subject: gr\u00fc\u00df\r\n\r\nx\r\n": true, "Subject: x\r\n\r\n\u00fc\r\n": false} {
		e, err := d.Deliver(t.Context(), iotest.OneByteReader(strings.NewReader(message)))
		require.NoError(t, err)
		require.Equal(t, want, e.UTF8)
		require.Equal(t, want, strings.HasSuffix(e.Name, ",U=1"))
		require.Contains(t, list(t, d), e)
	}
}

func FuzzHeaderScan(tf *testing.F) {
	f := storm.New(tf)
	f.Add("Subject: gr\u00fc\u00df\r\n\r\n\xff")
	f.Add("a\xe2\x82\xac\n\n")
	f.Fuzz(func(t *testing.T, message string) {
		var h headerScan
		h.scan([]byte(message))
		header := message
		for from := 0; ; {
			i := strings.IndexByte(message[from:], '\n')
			if i < 0 {
				break
			}
			if strings.Trim(message[from:from+i], "\r") == "" {
				header = message[:from]
				break
			}
			from += i + 1
		}
		ascii := !strings.ContainsFunc(header, func(r rune) bool { return r >= 0x80 })
		if h.utf8() && ascii || utf8.ValidString(header) && h.utf8() == ascii {
			t.Fatalf("%q is UTF-8: %t", header, h.utf8())
		}
	})
}

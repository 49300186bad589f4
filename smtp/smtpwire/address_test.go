package smtpwire

import (
	"encoding/xml"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
)

func TestAddress_InDomain(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		address, name string
		want          bool
	}{
		{"bob@example.org", "example.org", true},
		{"bob@EXAMPLE.Org", "example.oRG", true},
		{"bob@sub.example.org", "example.org", false},
		{"bob@example.or", "example.org", false},
		{"bob@\u212aelvin.example", "kelvin.example", false}, // KELVIN SIGN is no k
		{"bob@bücher.example", "BÜCHER.example", false},
		{"bob@bücher.example", "bücher.EXAMPLE", true},
		{"bob@[192.0.2.1]", "[192.0.2.1]", true},
	} {
		a, err := ParseAddress(row.address)
		require.NoError(t, err)
		require.Equal(t, row.want, a.InDomain(row.name), row)
	}
	require.False(t, Address{}.InDomain(""), "the null path is in no domain")
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	label := strings.Repeat("b", 63)
	host := strings.Repeat(label+".", 3)
	ids := map[string][]string{
		"case kept":           {"rfc5321-2.4-1", "rfc5321-2.4-2"},
		"longest local part":  {"rfc5321-4.5.3.1.1-1"},
		"longest of all":      {"rfc5321-4.5.3.1.3-1"},
		"escaped for nothing": {"rfc5321-4.1.2-4"},
	}
	for _, tt := range []struct{ name, in, local, domain, out string }{
		{"case kept", "BoB@Example.ORG", "BoB", "Example.ORG", ""},
		{"longest of all", "a@" + host + label[:59] + "b", "a", host + label[:59] + "b", ""},
		{"plain", "Bob.Smith@Example.ORG", "Bob.Smith", "Example.ORG", ""},
		{"single label", "bob@localhost", "bob", "localhost", ""},
		{"all of atext", "!#$%&'*+-/=?^_`{|}~09azAZ@e.org", "!#$%&'*+-/=?^_`{|}~09azAZ", "e.org", ""},
		{"quoted blank", `"a b"@e.org`, "a b", "e.org", ""},
		{"quoted for nothing", `"bob"@e.org`, "bob", "e.org", "bob@e.org"},
		{"escaped for nothing", `"b\ob"@e.org`, "bob", "e.org", "bob@e.org"},
		{"quoted specials", `"a\"b\\c>d@e"@e.org`, `a"b\c>d@e`, "e.org", ""},
		{"quoted dots", `".a..b."@e.org`, ".a..b.", "e.org", ""},
		{"empty quoted", `""@e.org`, "", "e.org", ""},
		{"IPv4", "a@[192.0.2.1]", "a", "[192.0.2.1]", ""},
		{"IPv6", "a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]", ""},
		{"IPv6, all groups", "a@[IPv6:2001:db8:1:2:3:4:5:6]", "a", "[IPv6:2001:db8:1:2:3:4:5:6]", ""},
		{"IPv6, tag folded", "a@[ipv6:::1]", "a", "[ipv6:::1]", ""},
		{"UTF-8", "grün@bücher.example", "grün", "bücher.example", ""},
		{"longest local part", long + "@e.org", long, "e.org", ""},
		{"longest label", "a@" + label + ".org", "a", label + ".org", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if ids[tt.name] != nil {
				rfc.Covers(t, ids[tt.name]...)
			}
			a, err := ParseAddress(tt.in)
			require.NoError(t, err)
			require.Equal(t, tt.local, a.Local())
			require.Equal(t, tt.domain, a.Domain())
			want := tt.out
			if want == "" {
				want = tt.in
			}
			require.Equal(t, want, a.String())
		})
	}
}

func TestParseAddressRefuses(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("b", 63)
	ids := map[string]string{
		"invalid UTF-8": "rfc6531-1.1-1", "UTF-8 with a special": "rfc6531-3.3-1",
		"source route": "rfc5321-3.6.1-3 rfc5321-3.6.1-1 rfc5321-4.1.1.3-1",
	}
	for name, in := range map[string]string{
		"empty":                        "",
		"no at":                        "bob",
		"no local part":                "@e.org",
		"no domain":                    "bob@",
		"two ats":                      "a@b@c",
		"source route":                 "@a.example,@b.example:c@d.example",
		"angle brackets":               "<a@b>",
		"parameter":                    "a@b.c> SIZE=1 X=<y",
		"blank":                        "a b@c",
		"CRLF":                         "a@b\r\nRCPT TO:<c@d>",
		"CRLF in quotes":               "\"a\r\nb\"@c",
		"escaped LF":                   "\"a\\\nb\"@c",
		"NUL":                          "a\x00@b",
		"DEL in quotes":                "\"\x7f\"@b",
		"unclosed quote":               `"a@b`,
		"text after the quote":         `"a"b@c`,
		"escape at the end":            `"a\"@b`,
		"escaped UTF-8":                `"\ü"@b`,
		"leading dot":                  ".a@b",
		"trailing dot":                 "a.@b",
		"two dots":                     "a..b@c",
		"domain with trailing dot":     "a@b.",
		"label with hyphen first":      "a@-b",
		"label with hyphen last":       "a@b-.c",
		"underscore":                   "a@b_c",
		"65 octets of local part":      strings.Repeat("a", 65) + "@b",
		"label of 64":                  "a@b" + label,
		"255 octets":                   "aa@" + strings.Repeat(label+".", 3) + label[:60],
		"IPv4 short":                   "a@[1.2.3]",
		"IPv4 too large":               "a@[1.2.3.256]",
		"IPv6 without tag":             "a@[::1]",
		"IPv4 with tag":                "a@[IPv6:1.2.3.4]",
		"IPv6 with zone":               "a@[IPv6:fe80::1%eth0]",
		"IPv6 with :: for one group":   "a@[IPv6:1:2:3:4:5:6::8]",
		"IPv6 mapped, :: for one":      "a@[IPv6:1:2:3:4:5::192.0.2.1]",
		"general literal":              "a@[x:y]",
		"unclosed literal":             "a@[1.2.3.4",
		"text behind the literal":      "a@[1.2.3.4]x",
		"invalid UTF-8":                "\xff@b",
		"UTF-8 with a special":         "ü(x@b",
		"C1 control":                   "\u0085@b",
		"line separator in the domain": "a@b\u2028c",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if ids[name] != "" {
				rfc.Covers(t, strings.Fields(ids[name])...)
			}
			a, err := ParseAddress(in)
			require.ErrorIs(t, err, ErrAddress)
			require.True(t, a.IsZero())
		})
	}
}

func TestAddressIsASCII(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{"a@b": true, "ü@b": false, "a@ü": false} {
		a, err := ParseAddress(in)
		require.NoError(t, err)
		require.Equal(t, want, a.IsASCII(), in)
	}
	require.True(t, Address{}.IsASCII())
	require.Empty(t, Address{}.String())
}

// TestParseAddressIsEmail takes the verdicts of the isemail suite: what it calls valid,
// or valid for SMTP, is accepted, and nothing else.
func TestParseAddressIsEmail(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../../shared/data/address/isemail/tests-half.xml")
	if err != nil {
		t.Skip("the isemail suite is not here")
	}
	var suite struct {
		Tests []struct {
			ID       string `xml:"id,attr"`
			Address  string `xml:"address"`
			Category string `xml:"category"`
		} `xml:"test"`
	}
	require.NoError(t, xml.Unmarshal(data, &suite))
	require.NotEmpty(t, suite.Tests)
	for _, tt := range suite.Tests {
		address := strings.Map(func(r rune) rune {
			if 0x2400 <= r && r < 0x2420 { // stands for a control character
				return r - 0x2400
			}
			return r
		}, tt.Address)
		var want bool
		switch tt.Category {
		case "ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321":
			want = true
		}
		_, err := ParseAddress(address)
		require.Equal(t, want, err == nil, "test %s: %q (%s)", tt.ID, address, tt.Category)
	}
}

func FuzzParseAddress(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{"a@b", `"a b\""@[IPv6:::1]`, "ü@é.org", `"\a"@b`, `""@b`, "a@b> X=<c", "p\u00e9@l\u00e9a", "henry\u2163@throne", "\u00d1And\u00da", "a@xn---"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			require.True(t, a.IsZero())
			return
		}
		again, err := ParseAddress(a.String())
		require.NoError(t, err)
		require.Equal(t, a, again)
		for _, c := range []byte(a.String()) {
			require.False(t, c < ' ' || c == 0x7f)
		}
		_, rest, ok := scanPath(string(a.appendPath(nil)))
		require.True(t, ok)
		require.Empty(t, rest)
	})
}

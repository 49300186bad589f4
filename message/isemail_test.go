package message

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// isemail are the verdicts that we do not share.
var isemail = map[string]string{
	"1[23][459]/valid": "RFC 5322 section 4.1: control characters in quoted pairs are obsolete, and no address that we give holds any",
	"160/valid":        "RFC 6532 section 3.2: what may be quoted has UTF-8 in it since that suite was written",
}

// TestIsEmail compares with the verdicts of the isemail suite: what it calls valid in
// a message is read as one address and without an error, and nothing else is; and that
// is the address as it is written only if it may be in an envelope so.
func TestIsEmail(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(sharedData(t, "address", "isemail"), "tests-half.xml"))
	require.NoError(t, err)
	var suite struct {
		Tests []struct {
			ID        string `xml:"id,attr"`
			Address   string `xml:"address"`
			Category  string `xml:"category"`
			Diagnosis string `xml:"diagnosis"`
		} `xml:"test"`
	}
	require.NoError(t, xml.Unmarshal(b, &suite))
	s := newScore(t, isemail)
	s.least = 96 // the suite is small
	for _, test := range suite.Tests {
		address := strings.Map(func(r rune) rune {
			if 0x2400 <= r && r < 0x2420 { // stands for a control character
				return r - 0x2400
			}
			return r
		}, test.Address)
		got, err := ParseMailbox(address)
		s.field(test.ID+"/valid", test.Category != "ISEMAIL_ERR", err == nil)
		switch test.Category {
		case "ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321":
			s.field(test.ID+"/plain", unquoteLocal(address), unquoteLocal(got.Addr))
		case "ISEMAIL_CFWS", "ISEMAIL_DEPREC":
			if test.Diagnosis != "ISEMAIL_RFC5321_IPV6DEPRECATED" { // which is how it is written
				s.field(test.ID+"/plain", false, address == got.Addr)
			}
		}
	}
	s.finish()
}

// unquoteLocal returns an address with its local part as what it means: it may be in
// quotes that it need not have (RFC 5321 section 4.1.2).
func unquoteLocal(addr string) string {
	at := strings.LastIndexByte(addr, '@')
	if at < 2 || addr[0] != '"' {
		return addr
	}
	return unquote(addr[1:at-1]) + addr[at:]
}

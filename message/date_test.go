package message

import (
	"net/mail"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"Mon, 06 Jul 2026 10:00:01 +0200", "2026-07-06T10:00:01+02:00"},
		{"6 Jul 2026 10:00 -0730", "2026-07-06T10:00:00-07:30"},
		{"Mon, 06 Jul 2026 10:00:01 -0000", "2026-07-06T10:00:01Z"},
		{"Mon, 6 Jul 2026 10:00:01 GMT", "2026-07-06T10:00:01Z"},
		{"Mon, 6 Jul 2026 10:00:01 PDT", "2026-07-06T10:00:01-07:00"},
		{"Mon, 6 Jul 2026 10:00:01 EST", "2026-07-06T10:00:01-05:00"},
		{"Mon, 6 Jul 2026 10:00:01 CDT", "2026-07-06T10:00:01-05:00"},
		{"Mon, 6 Jul 2026 10:00:01 EDT", "2026-07-06T10:00:01-04:00"},
		{"Mon, 6 Jul 2026 10:00:01 CST", "2026-07-06T10:00:01-06:00"},
		{"Mon, 6 Jul 2026 10:00:01 MDT", "2026-07-06T10:00:01-06:00"},
		{"Mon, 6 Jul 2026 10:00:01 MST", "2026-07-06T10:00:01-07:00"},
		{"Mon, 6 Jul 2026 10:00:01 PST", "2026-07-06T10:00:01-08:00"},
		{"Mon, 6 Jul 2026 10:00:01 Z", "2026-07-06T10:00:01Z"},
		{"Mon, 6 Jul 2026 10:00:01 A", "2026-07-06T10:00:01Z"}, // RFC 5322 section 4.3
		{"Mon, 6 Jul 2026 10:00:01 CEST", "2026-07-06T10:00:01Z"},
		{"Mon, 6 Jul 2026 10:00:01 +0200 (CEST)", "2026-07-06T10:00:01+02:00"},
		{"Mon, 6 Jul 2026 10:00:01 GMT+0200", "2026-07-06T10:00:01+02:00"},
		{"Mon, 6 Jul 2026 10:00:01 +02:00", "2026-07-06T10:00:01+02:00"},
		{"Mon, 6 Jul 2026 10:00:01 +02", "2026-07-06T10:00:01+02:00"},
		{"Mon, 6 Jul 2026 10:00:01", "2026-07-06T10:00:01Z"},
		{"Mon,06 Jul 2026 10:00:01.123 +0200", "2026-07-06T10:00:01+02:00"},
		{"Fri, 21 Nov 97 09(comment):   55  :  06 -0600", "1997-11-21T09:55:06-06:00"}, // RFC 5322 appendix A.6.3
		{"Fri, 21 Nov 97 09:55:06 -0600", "1997-11-21T09:55:06-06:00"},
		{"21 Nov 26 9:5 -0600", "2026-11-21T09:05:00-06:00"},
		{"21 Nov 126 09:55:06 GMT", "2026-11-21T09:55:06Z"},
		{"Mon, 6 July 2026 10:00:01 +0200", "2026-07-06T10:00:01+02:00"},
		{"Lundi, 6 Jul 2026 10:00:01 +0200", "2026-07-06T10:00:01+02:00"},
		{"Mon Jul  6 10:00:01 2026", "2026-07-06T10:00:01Z"},
		{"Mon Jul  6 10:00:01 2026 +0200", "2026-07-06T10:00:01+02:00"},
		{"Mon Jul  6 10:00:01 EDT 2026", "2026-07-06T10:00:01-04:00"},
		{"Monday, 06-Jul-26 10:00:01 GMT", "2026-07-06T10:00:01Z"},
		{"6/Jul/2026 10:00:01 +0200", "2026-07-06T10:00:01+02:00"},
		{"6 Jul 2026 10:00 PM +0200", "2026-07-06T22:00:00+02:00"},
		{"6 Jul 2026 12:00 AM", "2026-07-06T00:00:00Z"},
		{"2026-07-06T10:00:01+02:00", "2026-07-06T10:00:01+02:00"},
		{"29 Feb 2024 23:59:60 +0000", "2024-03-01T00:00:00Z"}, // a leap second

		{"", ""},
		{"now", ""},
		{"6 Jul", ""},
		{"Jul 2026", ""},
		{"29 Feb 2026 10:00:00 +0000", ""},
		{"0 Jul 2026 10:00:00 +0000", ""},
		{"32 Jul 2026 10:00:00 +0000", ""},
		{"6 Jul 2026 24:00:00 +0000", ""},
		{"6 Jul 2026 10:60:00 +0000", ""},
		{"6 Jul 2026 10:00:61 +0000", ""},
		{"6 Jul 2026 10:00:00 +2400", ""},
		{"6 Jul 2026 10:00:00 +0260", ""},
		{"6 Jul 2026 10:00:00 +2", ""},
		{"6 Jul 20260 10:00:00 +0000", ""},
		{"6 Jul 2026 10:00 11:00", ""},
		{"6 Jul 2026 10:xx", ""},
		{"6 Jul 2026 !", ""},
	} {
		got, err := ParseDate(test.in)
		if test.want == "" {
			require.Error(t, err, "%s", test.in)
			continue
		}
		require.NoError(t, err, "%s", test.in)
		require.Equal(t, test.want, got.Format(time.RFC3339), "%s", test.in)
	}
}

// FuzzDate compares with net/mail where both can read a date and its zone.
func FuzzDate(tf *testing.F) {
	f := storm.New(tf)
	f.Add("Mon, 06 Jul 2026 10:00:01 +0200 (CEST)")
	f.Add("Mon Jul  6 10:00:01 2026 EDT")
	f.Add("6-Jul-26 1:2:3.4 PM -00:00")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseDate(s)
		if err == nil {
			again, err := ParseDate(got.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
			good(t, err)
			same(t, true, again.Equal(got.Truncate(time.Second)), s)
		}
		want, werr := mail.ParseDate(s)
		if _, offset := want.Zone(); err == nil && werr == nil && offset != 0 {
			same(t, want.Unix(), got.Unix(), s)
		}
	})
}

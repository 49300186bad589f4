package message

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestParseReceived(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 7, 6, 10, 0, 0, 0, time.FixedZone("", 7200))
	for _, test := range []struct {
		in   string
		want Received
	}{
		{"", Received{}},
		{
			"from mail.example.org (mx.example.org [192.0.2.1]) by mx.example.net (Posthouse) with ESMTPS id 42 for <jo@example.net>; Mon, 6 Jul 2026 10:00:00 +0200 (CEST)",
			Received{From: "mail.example.org", FromInfo: "mx.example.org [192.0.2.1]", FromIP: netip.MustParseAddr("192.0.2.1"), By: "mx.example.net", With: "ESMTPS", ID: "42", For: "jo@example.net", Date: date},
		},
		{
			"from [IPv6:2001:db8::1] (IPv6:2001:DB8::2) by [192.0.2.2] via TCP with ESMTP id <a@b>;6 Jul 2026 10:00:00 +0200",
			Received{From: "[IPv6:2001:db8::1]", FromInfo: "IPv6:2001:DB8::2", FromIP: netip.MustParseAddr("2001:db8::2"), By: "[192.0.2.2]", Via: "TCP", With: "ESMTP", ID: "a@b", Date: date},
		},
		{"(qmail 1 invoked by uid 0); 6 Jul 2026 10:00:00 +0200", Received{Date: date}},
		{"from a (b; c) by d(e)with f;no date", Received{From: "a", FromInfo: "b; c", By: "d", With: "f"}},
		{"FROM a from b BY by c for", Received{From: "a", By: "by"}},
		{"from a (b", Received{From: "a"}},
		{"from a (::ffff:192.0.2.1)", Received{From: "a", FromInfo: "::ffff:192.0.2.1", FromIP: netip.MustParseAddr("192.0.2.1")}},
		{
			"from unknown (HELO [192.0.2.6]) (192.0.2.1) by b for <\"x y\"@z>; 6 Jul 2026 10:00:00 +0200",
			Received{From: "unknown", FromInfo: "HELO [192.0.2.6]", FromIP: netip.MustParseAddr("192.0.2.1"), By: "b", For: `"x y"@z`, Date: date},
		},
		{"from a (helo=[192.0.2.6] [192.0.2.1])", Received{From: "a", FromInfo: "helo=[192.0.2.6] [192.0.2.1]", FromIP: netip.MustParseAddr("192.0.2.1")}},
		{"from a (192.0.2.6@[192.0.2.1])", Received{From: "a", FromInfo: "192.0.2.6@[192.0.2.1]", FromIP: netip.MustParseAddr("192.0.2.1")}},
		{"from a (192.0.2.6@b [192.0.2.1])", Received{From: "a", FromInfo: "192.0.2.6@b [192.0.2.1]", FromIP: netip.MustParseAddr("192.0.2.1")}},
		{"from a (jo@192.0.2.1)", Received{From: "a", FromInfo: "jo@192.0.2.1", FromIP: netip.MustParseAddr("192.0.2.1")}},
		{"from a (EHLO b) by c (192.0.2.1)", Received{From: "a", FromInfo: "EHLO b", By: "c"}},
		{"by a id <b for <c@d", Received{By: "a", ID: "<b", For: "<c@d"}},
		{"by a for <x@y>, <z@y>", Received{By: "a", For: "x@y"}},
	} {
		got := ParseReceived(test.in)
		require.True(t, test.want.Date.Equal(got.Date), test.in)
		got.Date = test.want.Date
		require.Equal(t, test.want, got, test.in)
	}
	h := ParseHeader([]byte("Received: by b\r\nX: y\r\nreceived: by a\r\n"))
	var by []string
	for r := range h.Received() {
		by = append(by, r.By)
	}
	require.Equal(t, []string{"b", "a"}, by)
	for range h.Received() {
		break
	}
}

func FuzzReceived(tf *testing.F) {
	f := storm.New(tf)
	f.Add("from mail.example.org (mx [192.0.2.1]) by mx.example.net with ESMTPS id 42 for <jo@example.net>; Mon, 6 Jul 2026 10:00:00 +0200 (CEST)")
	f.Add("FROM a (b; (c) by d(e)with f;no date id for from by via <x> ;")
	f.Fuzz(func(t *testing.T, s string) {
		r := ParseReceived(s)
		for _, part := range []string{r.From, r.By, r.Via, r.With, r.ID, r.For} {
			for i := range len(part) {
				if (isFWS(part[i]) || part[i] == '(' || part[i] == ';') && !strings.Contains(s, "<") {
					t.Fatalf("%q in %q", part, s)
				}
			}
		}
	})
}

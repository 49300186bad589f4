package pop3wire_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		n      int
		octets int64
		bad    bool
	}{
		{text: "2 320", n: 2, octets: 320},
		{text: "0 0"},
		{text: "2  320 and more", n: 2, octets: 320},
		{text: "2 -2147483648", n: 2, octets: -1},
		{text: "2", n: 2, octets: -1},
		{text: "2 9223372036854775807", n: 2, octets: math.MaxInt64},
		{text: "", bad: true},
		{text: "-1 3", bad: true},
		{text: "2 x", bad: true},
		{text: "2 -", bad: true},
		{text: "2 9223372036854775808", bad: true},
		{text: "99999999999999999999 1", bad: true},
	} {
		n, octets, err := pop3wire.ParseStat([]byte(tt.text))
		require.Equal(t, tt.bad, err != nil, tt.text)
		require.Equal(t, tt.n, n, tt.text)
		require.Equal(t, tt.octets, octets, tt.text)
	}
	require.Equal(t, "2 320", string(pop3wire.AppendStat(nil, 2, 320)))
}

func TestParseListLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		n    int
		size int64
		bad  bool
	}{
		{line: "1 120", n: 1, size: 120},
		{line: "1   120", n: 1, size: 120},
		{line: " 1\t120 octets", n: 1, size: 120},
		{line: "7 0", n: 7},
		{line: "", bad: true},
		{line: "1", bad: true},
		{line: "1 ", bad: true},
		{line: "0 120", bad: true},
		{line: "-1 120", bad: true},
		{line: "1 -120", bad: true},
		{line: "1 99999999999999999999", bad: true},
		{line: "x y", bad: true},
	} {
		n, size, err := pop3wire.ParseListLine([]byte(tt.line))
		require.Equal(t, tt.bad, err != nil, tt.line)
		require.Equal(t, tt.n, n, tt.line)
		require.Equal(t, tt.size, size, tt.line)
	}
	require.Equal(t, "1 120", string(pop3wire.AppendListLine(nil, 1, 120)))
}

func TestParseUIDLLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("u", 200)
	for _, tt := range []struct {
		line string
		n    int
		uid  string
		bad  bool
	}{
		{line: "1 whqtswO00WBw418f9t5JxYwZ", n: 1, uid: "whqtswO00WBw418f9t5JxYwZ"},
		{line: "2   QhdPYR:00WBw1Ph7x7 ", n: 2, uid: "QhdPYR:00WBw1Ph7x7"},
		{line: "3 " + long, n: 3, uid: long},
		{line: "", bad: true},
		{line: "1", bad: true},
		{line: "1 ", bad: true},
		{line: "0 a", bad: true},
		{line: "1 a b", bad: true},
		{line: "1 a\x01", bad: true},
		{line: "1 \u00fc", bad: true},
	} {
		n, uid, err := pop3wire.ParseUIDLLine([]byte(tt.line))
		require.Equal(t, tt.bad, err != nil, tt.line)
		require.Equal(t, tt.n, n, tt.line)
		require.Equal(t, tt.uid, string(uid), tt.line)
	}
	require.Equal(t, "1 a", string(pop3wire.AppendUIDLLine(nil, 1, "a")))
}

func TestValidUID(t *testing.T) {
	t.Parallel()
	for uid, want := range map[string]bool{
		"a": true, "!~": true, strings.Repeat("x", 70): true,
		"": false, "a b": false, "a\x7f": false, "\u00fc": false, strings.Repeat("x", 71): false,
	} {
		require.Equal(t, want, pop3wire.ValidUID(uid), "%q", uid)
	}
}

func FuzzListings(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("1 120"))
	f.Add([]byte("2  QhdPYR:00WBw1Ph7x7"))
	f.Add([]byte("2 -5"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if n, octets, err := pop3wire.ParseStat(line); err == nil && octets >= 0 {
			n2, octets2, err := pop3wire.ParseStat(pop3wire.AppendStat(nil, n, octets))
			if err != nil || n2 != n || octets2 != octets {
				t.Fatalf("STAT %d %d comes back as %d %d, %v", n, octets, n2, octets2, err)
			}
		}
		if n, size, err := pop3wire.ParseListLine(line); err == nil {
			n2, size2, err := pop3wire.ParseListLine(pop3wire.AppendListLine(nil, n, size))
			if err != nil || n2 != n || size2 != size {
				t.Fatalf("LIST %d %d comes back as %d %d, %v", n, size, n2, size2, err)
			}
		}
		if n, uid, err := pop3wire.ParseUIDLLine(line); err == nil {
			n2, uid2, err := pop3wire.ParseUIDLLine(pop3wire.AppendUIDLLine(nil, n, string(uid)))
			if err != nil || n2 != n || !bytes.Equal(uid2, uid) {
				t.Fatalf("UIDL %d %q comes back as %d %q, %v", n, uid, n2, uid2, err)
			}
		}
	})
}

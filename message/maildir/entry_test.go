package maildir

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestParseEntry(t *testing.T) {
	t.Parallel()
	at := func(sec, micro int64) time.Time { return time.Unix(sec, micro*1000).UTC() }
	for _, row := range []Entry{
		{Name: "1700000000.M12P34Q5R0f.host,S=10,W=12:2,FS", Key: "1700000000.M12P34Q5R0f.host", Flags: "FS", Delivered: at(1700000000, 12), Size: 10, CRLFSize: 12},
		{Name: "1700000000.123_4.host", Key: "1700000000.123_4.host", Delivered: at(1700000000, 0), Size: 10, CRLFSize: -1},
		{Name: "1700000000.P1.MILLER:2,", Key: "1700000000.P1.MILLER", Delivered: at(1700000000, 0), Size: 10, CRLFSize: -1},
		{Name: "1700000000.M9999999P1.h", Key: "1700000000.M9999999P1.h", Delivered: at(1700000000, 0), Size: 10, CRLFSize: -1},
		{Name: "letter", Key: "letter", Size: 10, CRLFSize: -1},
		{Name: "+1.x", Key: "+1.x", Size: 10, CRLFSize: -1},
		{Name: "99999999999999999999.x", Key: "99999999999999999999.x", Size: 10, CRLFSize: -1},
		{Name: "1.a,S=99999999999999999999,W=-1", Key: "1.a", Delivered: at(1, 0), Size: 10, CRLFSize: -1},
		{Name: "1.a,U=7,W=15,FMD5=x", Key: "1.a", Delivered: at(1, 0), Size: 10, CRLFSize: 15},
		{Name: "1.a,FMD5=x,S=10,W=22", Key: "1.a", Delivered: at(1, 0), Size: 10, CRLFSize: 22},
		{Name: "1.a,S=10,W=23", Key: "1.a", Delivered: at(1, 0), Size: 10, CRLFSize: -1},
		{Name: "1.a,W=9223372036854775807", Key: "1.a", Delivered: at(1, 0), Size: 10, CRLFSize: -1},
		{Name: "Hello, Bob, =x,5=y,s=3,.eml,S=10,W=12:2,", Key: "Hello, Bob, =x,5=y,s=3,.eml", Size: 10, CRLFSize: 12},
		{Name: "1.a,S=,W=+4", Key: "1.a", Delivered: at(1, 0), Size: 10, CRLFSize: -1},
		{Name: "1.a:2,SSaF,S=4", Key: "1.a", Flags: "FSa", Delivered: at(1, 0), Size: 10, CRLFSize: -1},
		{Name: "1.a:1,odd", Key: "1.a", Delivered: at(1, 0), Size: 10, CRLFSize: -1},
		{Name: ":2,S", Key: "", Flags: "S", Size: 10, CRLFSize: -1},
	} {
		require.Equal(t, row, parseEntry(row.Name, false, 10))
	}
}

func TestNamesAreUniqueAndInOrderWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	a := namer{pid: 1, random: 1, host: "host"}
	b := namer{pid: 1, random: 2, host: "host"}
	jumps := []time.Duration{0, 0, 0, time.Second, -24 * time.Hour, 0, -10 * 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour, -200 * 365 * 24 * time.Hour, 0}
	made := map[string]bool{}
	var last Entry
	for i, jump := range jumps {
		now := start.Add(jump)
		for range 3 {
			e := parseEntry(a.next(now), true, 0)
			require.Negative(t, compareEntries(last, e), "name %d: %s then %s", i, last.Name, e.Name)
			last = e
			made[e.Name], made[b.next(now)] = true, true
		}
	}
	require.Len(t, made, 2*3*len(jumps))
	require.Contains(t, made, "1795262400.M000000P1Q1R0000000000000001.host")
}

func TestOwnKeysFitPOP3(t *testing.T) {
	t.Parallel()
	// RFC 1939 section 7 allows 70 octets of 0x21 to 0x7E to a unique-id.
	n := namer{pid: 4194304, random: 1 << 63, seq: 99_998, host: hostPart(strings.Repeat("mail.example.org/:,", 9))}
	key := n.next(time.Unix(9999999999, 0))
	require.LessOrEqual(t, len(key), 70)
	require.NotContains(t, key, "/")
	require.Equal(t, key, parseEntry(key+",S=1,W=2", true, 1).Key)
}

func TestHostPart(t *testing.T) {
	t.Parallel()
	for _, row := range [][2]string{
		{"mx.example.org", "mx.example.org"},
		{"", "localhost"},
		{"a/b:c,d e\x00\xff", "a_b_c_d_e__"},
		{"a-host-name-that-is-long", "a-host-name-that-is-"},
	} {
		require.Equal(t, row[1], hostPart(row[0]))
	}
}

func FuzzParseEntry(tf *testing.F) {
	f := storm.New(tf)
	f.Add("1700000000.M12P34Q5R0f.host,S=10,W=12:2,FS", int64(10))
	f.Add("1.a:2,SS,S=:", int64(1))
	f.Add(",:", int64(0))
	f.Add("1.a,S=10,W=12,S=x,S=7", int64(-1))
	f.Fuzz(func(t *testing.T, name string, size int64) {
		size = max(size, -1) // of which nobody knows
		e := parseEntry(name, false, size)
		if size >= 0 && e.Size != size || e.Size < -1 {
			t.Fatalf("%q of %d octets has %d", name, size, e.Size)
		}
		if e.Name != name || e.CRLFSize < -1 || !strings.HasPrefix(name, e.Key) || strings.Contains(e.Key, ":") ||
			strings.Contains(e.Key, ",S=") || !slices.IsSorted([]byte(e.Flags)) {
			t.Fatalf("%q of %d octets gives %+v", name, size, e)
		}
		// A change of flags changes nothing else.
		want := e
		want.Name, want.Flags = e.base()+":2,FS", "FS"
		if moved := parseEntry(e.base()+":2,"+sortFlags("SF"), false, size); moved != want || compareEntries(e, moved) != 0 {
			t.Fatalf("%+v becomes %+v", e, moved)
		}
	})
}

package serve

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/testnet"
)

// v2 makes a header of version 2.
func v2(command, family byte, block string) string {
	return string(proxySignature) + string([]byte{command, family, byte(len(block) >> 8), byte(len(block))}) + block
}

var proxyRows = []struct {
	name, header string
	source       string // "" if it is bad, "-" if it names nobody
	destination  string
}{
	{"TCP4", "PROXY TCP4 192.0.2.1 192.0.2.2 50000 25\r\n", "192.0.2.1:50000", "192.0.2.2:25"},
	{"TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 50000 25\r\n", "[2001:db8::1]:50000", "[2001:db8::2]:25"},
	{"longest", "PROXY TCP6 2001:0db8:1111:2222:3333:4444:5555:6666 2001:0db8:1111:2222:3333:4444:5555:7777 65535 65535\r\n", "[2001:db8:1111:2222:3333:4444:5555:6666]:65535", "[2001:db8:1111:2222:3333:4444:5555:7777]:65535"},
	{"UNKNOWN", "PROXY UNKNOWN\r\n", "-", ""},
	{"UNKNOWN with words", "PROXY UNKNOWN ffff:f...f:ffff 65535 65535\r\n", "-", ""},
	{"no header", "EHLO client.example.com\r\n", "", ""},
	{"lower case", "proxy TCP4 192.0.2.1 192.0.2.2 50000 25\r\n", "", ""},
	{"bare LF", "PROXY TCP4 192.0.2.1 192.0.2.2 50000 25\n" + strings.Repeat("x", 100), "", ""},
	{"bare CR", "PROXY TCP4 192.0.2.1 192.0.2.2 50000 25\rMAIL\r\n", "", ""},
	{"too long", "PROXY TCP4 192.0.2.1 192.0.2.2 50000 25" + strings.Repeat(" ", 100) + "\r\n", "", ""},
	{"v4 called v6", "PROXY TCP6 192.0.2.1 192.0.2.2 50000 25\r\n", "", ""},
	{"v6 called v4", "PROXY TCP4 ::1 ::1 50000 25\r\n", "", ""},
	{"zone", "PROXY TCP6 fe80::1%eth0 ::1 50000 25\r\n", "", ""},
	{"port too large", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n", "", ""},
	{"port with a sign", "PROXY TCP4 192.0.2.1 192.0.2.2 +1 25\r\n", "", ""},
	{"port with a zero", "PROXY TCP4 192.0.2.1 192.0.2.2 01 25\r\n", "", ""},
	{"two blanks", "PROXY  TCP4 192.0.2.1 192.0.2.2 50000 25\r\n", "", ""},
	{"a word too many", "PROXY TCP4 192.0.2.1 192.0.2.2 50000 25 x\r\n", "", ""},
	{"v2 TCP4", v2(0x21, 0x11, "\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x00\x19"), "192.0.2.1:50000", "192.0.2.2:25"},
	{"v2 TCP6", v2(0x21, 0x21, "\x20\x01\x0d\xb8"+strings.Repeat("\x00", 11)+"\x01\x20\x01\x0d\xb8"+strings.Repeat("\x00", 11)+"\x02\xc3\x50\x00\x19"), "[2001:db8::1]:50000", "[2001:db8::2]:25"},
	{"v2 with more", v2(0x21, 0x11, "\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x00\x19\x03\x00\x04abcd"), "192.0.2.1:50000", "192.0.2.2:25"},
	{"v2 LOCAL", v2(0x20, 0x00, ""), "-", ""},
	{"v2 unspecified", v2(0x21, 0x00, "abc"), "-", ""},
	{"v2 UDP", v2(0x21, 0x12, "\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x00\x19"), "", ""},
	{"v2 too short", v2(0x21, 0x11, "\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x00"), "", ""},
	{"v2 too long", v2(0x21, 0x11, strings.Repeat("x", maxProxyBlock+1)), "", ""},
	{"v2 of version 3", v2(0x31, 0x11, "\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x00\x19"), "", ""},
	{"v2 of another command", v2(0x22, 0x11, "\xc0\x00\x02\x01\xc0\x00\x02\x02\xc3\x50\x00\x19"), "", ""},
	{"nothing", "", "", ""},
}

// TestReadProxyCut: a header that does not come to its end is none, wherever it stops.
func TestReadProxyCut(t *testing.T) {
	t.Parallel()
	for _, tt := range proxyRows {
		for n := range tt.header {
			_, err := readProxy(strings.NewReader(tt.header[:n]))
			require.ErrorIs(t, err, ErrProxy, "%s, %d octets", tt.name, n)
		}
	}
}

func TestReadProxy(t *testing.T) {
	t.Parallel()
	for _, tt := range proxyRows {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, oneByte := range []bool{false, true} {
				whole := strings.NewReader(tt.header + "rest")
				var r io.Reader = whole
				if oneByte {
					r = iotest.OneByteReader(whole)
				}
				p, err := readProxy(r)
				switch tt.source {
				case "":
					require.ErrorIs(t, err, ErrProxy)
					continue
				case "-":
					require.NoError(t, err)
					require.Equal(t, Proxied{}, p)
				default:
					require.NoError(t, err)
					require.Equal(t, tt.source, p.Source.String())
					require.Equal(t, tt.destination, p.Destination.String())
				}
				rest, err := io.ReadAll(r)
				require.NoError(t, err)
				require.Equal(t, "rest", string(rest))
			}
		})
	}
}

// TestReadProxy_Silence: who is trusted to send a header has limited time for it.
func TestReadProxy_Silence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := testnet.Pipe()
		defer near.Close()
		defer far.Close()
		_, err := io.WriteString(near, "PROXY TCP4")
		require.NoError(t, err)
		begin := time.Now()
		_, err = ReadProxy(far)
		require.ErrorIs(t, err, ErrProxy)
		var timeout net.Error
		require.True(t, errors.As(err, &timeout) && timeout.Timeout())
		require.Equal(t, proxyTimeout, time.Since(begin))
	})
}

func FuzzReadProxy(tf *testing.F) {
	f := storm.New(tf)
	for _, tt := range proxyRows {
		f.Add([]byte(tt.header))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		p, err := readProxy(r)
		used := b[:len(b)-r.Len()]
		if len(used) > max(maxProxyLine, len(proxySignature)+4+maxProxyBlock) {
			t.Fatalf("%d octets read", len(used))
		}
		if err != nil {
			if !errors.Is(err, ErrProxy) || p != (Proxied{}) {
				t.Fatal(p, err)
			}
			return
		}
		if p.Source.IsValid() != p.Destination.IsValid() || p.Source.Addr().Zone() != "" {
			t.Fatal(p)
		}
		again, err := readProxy(bytes.NewReader(used))
		if err != nil || again != p {
			t.Fatalf("%v, %v: what was read is not the header", again, err)
		}
	})
}

// TestAnnounce: sessions of a proxy are limited by whom they are for.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	l := &Loop{MaxConnsPerAddr: 2, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	l.prepare()
	client := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}
	other := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 1}
	a, b, c := &Session{loop: l}, &Session{loop: l}, &Session{loop: l}
	require.Zero(t, a.Announce(client))
	require.Zero(t, b.Announce(client))
	require.Equal(t, TooManyFromAddr, c.Announce(client))
	require.Zero(t, c.Announce(other))
	require.Zero(t, b.Announce(other))
	require.Equal(t, 2, l.perAddr.Len())
	require.True(t, Within(&net.TCPAddr{IP: net.IPv4(10, 1, 2, 3)}, l.Proxies))
	require.True(t, Within(&net.TCPAddr{IP: net.ParseIP("::ffff:10.1.2.3")}, l.Proxies))
	require.False(t, Within(client, l.Proxies))
	require.False(t, Within(nil, l.Proxies))
}

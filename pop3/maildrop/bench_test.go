package maildrop_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// benchDrop makes a Maildir of messages of so many octets that nobody has touched
// for a while.
func benchDrop(b *testing.B, messages, size int) *maildrop.Maildir {
	b.Helper()
	root := b.TempDir()
	for _, dir := range []string{"tmp", "new", "cur"} {
		require.NoError(b, os.MkdirAll(filepath.Join(root, "bob", dir), 0o700))
	}
	text := []byte("Subject: x\n\n" + strings.Repeat(strings.Repeat("y", 75)+"\n", (size-12)/76))
	wire := len(text) + bytes.Count(text, []byte("\n"))
	for i := range messages {
		name := fmt.Sprintf("%d.M%06dP1Q%d.bench,S=%d,W=%d:2,", 1_700_000_000+i, i, i, len(text), wire)
		require.NoError(b, os.WriteFile(filepath.Join(root, "bob", "cur", name), text, 0o600))
	}
	old := time.Now().Add(-time.Hour)
	for _, dir := range []string{"new", "cur"} {
		require.NoError(b, os.Chtimes(filepath.Join(root, "bob", dir), old, old))
	}
	return &maildrop.Maildir{Root: root}
}

// BenchmarkOpen is what a login costs the store: 1,000 messages, none new.
func BenchmarkOpen(b *testing.B) {
	store := benchDrop(b, 1000, 100)
	id := &auth.Identity{User: "bob", Name: "bob"}
	b.ReportAllocs()
	for b.Loop() {
		drop, err := store.Open(b.Context(), id)
		require.NoError(b, err)
		list, err := drop.List(b.Context())
		require.NoError(b, err)
		require.Len(b, list, 1000)
		require.NoError(b, drop.Commit(b.Context(), nil))
		require.NoError(b, drop.Close())
	}
}

// BenchmarkRetr fetches over TCP, 50 messages ahead.
func BenchmarkRetr(b *testing.B) {
	for _, bb := range []struct{ messages, size int }{{1000, 10_000}, {20, 10_000_000}} {
		b.Run(fmt.Sprintf("%dx%d", bb.messages, bb.size), func(b *testing.B) {
			srv := &pop3.Server{
				Store: benchDrop(b, bb.messages, bb.size),
				Auth:  &auth.Server{Passwords: auth.Passwords{"bob": "secret"}, InsecureAllowCleartext: true},
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(b, err)
			go srv.Serve(ln)
			b.Cleanup(func() { srv.Close() })
			nc, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(b, err)
			defer nc.Close()
			_, err = io.WriteString(nc, "USER bob\r\nPASS secret\r\nSTAT\r\n")
			require.NoError(b, err)
			r := bufio.NewReader(nc)
			var stat string
			for range 4 {
				stat, err = r.ReadString('\n')
				require.NoError(b, err)
			}
			var n int
			var octets int64
			_, err = fmt.Sscanf(stat, "+OK %d %d", &n, &octets)
			require.NoError(b, err)
			each := int64(len(fmt.Sprintf("+OK %d octets\r\n.\r\n", octets/int64(n)))) + octets/int64(n)
			b.SetBytes(octets)
			b.ReportAllocs()
			for b.Loop() {
				for from := 1; from <= n; from += 50 {
					to := min(from+49, n)
					var group []byte
					for i := from; i <= to; i++ {
						group = fmt.Appendf(group, "RETR %d\r\n", i)
					}
					_, err := nc.Write(group)
					require.NoError(b, err)
					_, err = io.CopyN(io.Discard, r, each*int64(to-from+1))
					require.NoError(b, err)
				}
			}
		})
	}
}

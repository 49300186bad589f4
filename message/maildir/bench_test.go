package maildir

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func BenchmarkDeliver1K(b *testing.B) {
	d, _ := open(b)
	message := []byte(strings.Repeat(strings.Repeat("x", 62)+"\r\n", 16))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Deliver(b.Context(), bytes.NewReader(message)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDeliver10MNoDisk(b *testing.B) {
	message := []byte(strings.Repeat(strings.Repeat("x", 74)+"\r\n", 10<<20/76))
	d, err := newDir(&discardFS{modelFS: newModelFS()})
	require.NoError(b, err)
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		if _, err := d.Deliver(b.Context(), bytes.NewReader(message)); err != nil {
			b.Fatal(err)
		}
	}
}

// discardFS keeps nothing of what is written.
type discardFS struct{ *modelFS }

type discardFile struct{ io.Writer }

func (discardFile) Sync() error  { return nil }
func (discardFile) Close() error { return nil }

func (discardFS) create(string) (diskFile, error) { return discardFile{io.Discard}, nil }
func (discardFS) rename(string, string) error     { return nil }
func (discardFS) syncDir(string) error            { return nil }

func BenchmarkList10000(b *testing.B) {
	d, path := open(b)
	for i := range 10_000 {
		put(b, path, "cur", fmt.Sprintf("17000%05d.M%dP1Q1R0123456789abcdef.host,S=4,W=5:2,S", i, i), "mail")
	}
	old := time.Now().Add(-time.Hour) // a Maildir that was just changed is read twice
	require.NoError(b, os.Chtimes(filepath.Join(path, "cur"), old, old))
	b.ReportAllocs()
	for b.Loop() {
		if n := len(list(b, d)); n != 10_000 {
			b.Fatal(n)
		}
	}
}

func BenchmarkRead10M(b *testing.B) {
	for _, end := range []string{"\n", "\r\n"} {
		b.Run(map[string]string{"\n": "LF", "\r\n": "CRLF"}[end], func(b *testing.B) {
			d, path := open(b)
			put(b, path, "new", "1.x", strings.Repeat(strings.Repeat("x", 74)+end, 10<<20/76))
			e := list(b, d)[0]
			size, err := d.Count(b.Context(), e)
			require.NoError(b, err)
			b.SetBytes(size)
			b.Run("WriteTo", func(b *testing.B) {
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					r, err := d.Open(b.Context(), e)
					require.NoError(b, err)
					n, err := r.WriteTo(io.Discard)
					require.NoError(b, err)
					require.Equal(b, size, n)
					require.NoError(b, r.Close())
				}
			})
			b.Run("Count", func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					_, err := d.Count(b.Context(), e)
					require.NoError(b, err)
				}
			})
		})
	}
}

package message

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/posthouse/posthouse/internal/storm"
)

// same is require.Equal for what is executed millions of times: it costs nothing
// while the two are equal.
func same[T comparable](t testing.TB, want, got T, what string) {
	if want != got {
		t.Helper()
		t.Fatalf("%s:\nwant %#v\n got %#v", what, want, got)
	}
}

// sameOctets is same for octets.
func sameOctets[W, G string | []byte](t testing.TB, want W, got G, what string) {
	if string(want) != string(got) {
		t.Helper()
		t.Fatalf("%s:\nwant %q\n got %q", what, want, got)
	}
}

// sameList is same for lists.
func sameList[T comparable](t testing.TB, want, got []T, what string) {
	if !slices.Equal(want, got) {
		t.Helper()
		t.Fatalf("%s:\nwant %#v\n got %#v", what, want, got)
	}
}

// good is require.NoError likewise.
func good(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

// FuzzParse checks that offsets are consistent, that the octets of the message can be
// put together again, and that a window gives what memory gives.
func FuzzParse(tf *testing.F) {
	f := storm.New(tf)
	f.Add(crlf(nestedMessage(6)), uint16(1))
	f.Add(crlf("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/digest; boundary=a\n\n--a\n\nx: y\n--a--\n--a\nbad\n--a--"), uint16(2000))
	seeds, _ := filepath.Glob(filepath.Join("..", "..", "shared", "interop", "mime", "corpus", "*.eml"))
	for _, name := range seeds {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b, uint16(len(b)))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint16) {
		var parser Parser
		if size%2 == 0 {
			parser = Parser{Limits: Limits{Depth: 8, Parts: 20, HeaderBytes: 300, Fields: 12, Defects: 50}, Thorough: true}
		}
		m := checkAll(t, b, parser, 1+int(size/2)%1000)
		for p := range m.Parts() {
			_, _, _ = p.Filename(), p.ContentID(), p.Disposition()
			_, _ = p.Header().Date()
			_ = p.Header().MessageIDs("References")
			if p.kind == leaf && p.encoding == EncodingBase64 {
				_, _ = p.Nested()
			}
		}
	})
}

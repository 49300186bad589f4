package message

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

// The makers of TNEF in the tests.
func tnefAttr(level byte, id uint16, data []byte) []byte {
	b := []byte{level}
	b = binary.LittleEndian.AppendUint32(b, uint32(id))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	sum := uint16(0)
	for _, c := range data {
		sum += uint16(c)
	}
	return binary.LittleEndian.AppendUint16(b, sum)
}

func mapiProp(kind, id uint16, data []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(id)<<16|uint32(kind))
	if id >= 0x8000 {
		b = append(b, make([]byte, 16)...)
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = append(binary.LittleEndian.AppendUint32(b, 2), 'x', 0, 0, 0)
	}
	if mapiSizes[kind] == 0 {
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	}
	b = append(b, data...)
	for len(data)%4 != 0 {
		b, data = append(b, 0), append(data, 0)
	}
	return b
}

func mapiProps(props ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(props)))
	for _, p := range props {
		b = append(b, p...)
	}
	return b
}

func utf16le(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func tnefSample() []byte {
	b := []byte("\x78\x9f\x3e\x22\x01\x00")
	for _, a := range [][]byte{
		tnefAttr(1, tnefCodepage, []byte{0xE2, 4, 0, 0, 0, 0, 0, 0}), // 1250
		tnefAttr(1, tnefSubject, []byte("P\xF8\xEDklad\x00")),
		tnefAttr(1, tnefProps, mapiProps(
			mapiProp(0x0003, 0x8001, []byte{1, 2, 3, 4}), mapiProp(mapiUnicode, 0x1000, utf16le("Grüße")), mapiProp(mapiBinary, 0x1013, []byte("<p>x")),
		)),
		tnefAttr(2, tnefRendering, make([]byte, 14)),
		tnefAttr(2, tnefTitle, []byte("LONGNA~1.TXT\x00")),
		tnefAttr(2, tnefData, []byte("content")),
		tnefAttr(2, tnefAttachment, mapiProps(
			mapiProp(mapiUnicode, 0x3707, utf16le("long näme.txt")), mapiProp(mapiString8, 0x370E, []byte("Text/Plain\x00")), mapiProp(mapiString8, 0x3712, []byte("<a@b>\x00")),
		)),
		tnefAttr(2, tnefRendering, nil),
		tnefAttr(2, tnefAttachment, mapiProps(mapiProp(mapiObject, 0x3701, append([]byte("\x07\x03\x02\x00............"), "inner"...)), mapiProp(mapiString8, 0x3001, []byte("message")))),
	} {
		b = append(b, a...)
	}
	return b
}

func TestParseTNEF(t *testing.T) {
	t.Parallel()
	b := tnefSample()
	got, err := ParseTNEF(b)
	require.NoError(t, err)
	require.Equal(t, &TNEF{
		Subject: "Příklad", Text: "Grüße", HTML: "<p>x", Whole: true,
		Files: []TNEFFile{
			{Name: "long näme.txt", MediaType: "text/plain", ContentID: "a@b", Content: []byte("content")},
			{Name: "message", Embedded: true, Content: []byte("inner")},
		},
	}, got)
	_, err = ParseTNEF([]byte("no"))
	require.ErrorIs(t, err, ErrNotTNEF)
	for n := 6; n < len(b); n++ {
		got, err := ParseTNEF(b[:n])
		require.NoError(t, err)
		require.LessOrEqual(t, len(got.Files), 2)
	}
	b[len(b)-1]++
	got, err = ParseTNEF(b)
	require.NoError(t, err)
	require.False(t, got.Whole)
	require.Len(t, got.Files, 2)

	many := append([]byte(nil), b[:6]...)
	for range maxTNEFFiles + 1 {
		many = append(many, tnefAttr(2, tnefRendering, nil)...)
	}
	got, err = ParseTNEF(many)
	require.NoError(t, err)
	require.Len(t, got.Files, maxTNEFFiles)
	require.False(t, got.Whole)
}

// TestTNEFFiles lists and extracts the files of a collection.
func TestTNEFFiles(t *testing.T) {
	t.Parallel()
	root := sharedData(t, "mime", "mimekit", "tnef")
	b, err := os.ReadFile(filepath.Join(root, "long-filename.tnef"))
	require.NoError(t, err)
	got, err := ParseTNEF(b)
	require.NoError(t, err)
	require.True(t, got.Whole)
	require.Len(t, got.Files, 1)
	f := got.Files[0]
	want, err := os.ReadFile(filepath.Join(root, "long-filename", f.Name)) // its line ends were changed
	require.NoError(t, err)
	require.Equal(t, string(want), strings.ReplaceAll(string(f.Content), "\r\n", "\n"))
}

// The examples of MS-OXRTFCP section 4.
var (
	rtfHello = []byte("\x2d\x00\x00\x00\x2b\x00\x00\x00\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7\x03\x00\x0a\x00\x72\x63\x70\x67\x31\x32\x35\x42\x32\x0a\xf3\x20\x68\x65\x6c\x09\x00\x20\x62\x77\x05\xb0\x6c\x64\x7d\x0a\x80\x0f\xa0")
	rtfCross = []byte("\x1a\x00\x00\x00\x1c\x00\x00\x00\x4c\x5a\x46\x75\xe2\xd4\x4b\x51\x41\x00\x04\x20\x57\x58\x59\x5a\x0d\x6e\x7d\x01\x0e\xb0")
)

func TestRTF(t *testing.T) {
	t.Parallel()
	require.Len(t, rtfStart, 207)
	for text, b := range map[string][]byte{
		"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n": rtfHello,
		"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}":                     rtfCross,
		"{\\rtf1}":                                          append([]byte("\x13\x00\x00\x00\x07\x00\x00\x00MELA\x00\x00\x00\x00"), `{\rtf1}`...),
	} {
		got, whole := rtf(b)
		require.Equal(t, text, string(got))
		require.True(t, whole)
		for n := range b {
			got, whole := rtf(b[:n])
			require.False(t, whole)
			require.True(t, strings.HasPrefix(text, string(got)))
		}
	}
	flip := slices.Clone(rtfHello)
	flip[20]++
	_, whole := rtf(flip)
	require.False(t, whole, "the sum is wrong")

	b := append([]byte("\x78\x9f\x3e\x22\x01\x00"), tnefAttr(1, tnefProps, mapiProps(mapiProp(mapiBinary, 0x1009, slices.Clone(rtfHello))))...)
	m, err := ParseTNEF(b)
	require.NoError(t, err)
	require.True(t, m.Whole)
	require.Contains(t, string(m.RTF), "hello world")

	// A bomb: it says that it is 4 GB, and has nothing but the longest references.
	bomb := append([]byte("\xff\xff\xff\xff\xff\xff\xff\xffLZFu\x00\x00\x00\x00"), bytes.Repeat([]byte("\xff\x00\x0f\x00\x0f\x00\x0f\x00\x0f\x00\x0f\x00\x0f\x00\x0f\x00\x0f"), 1<<10)...)
	got, whole := rtf(bomb)
	require.False(t, whole)
	require.LessOrEqual(t, cap(got), 9*len(bomb))
}

func FuzzTNEF(tf *testing.F) {
	f := storm.New(tf)
	f.Add(tnefSample())
	f.Add(tnefAttr(1, tnefProps, mapiProps(mapiProp(mapiBinary, 0x1009, slices.Clone(rtfHello)))))
	f.Add(tnefAttr(1, tnefProps, mapiProps(mapiProp(mapiBinary, 0x1009, slices.Clone(rtfCross)))))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseTNEF(append([]byte("\x78\x9f\x3e\x22\x01\x00"), b...))
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, f := range got.Files {
			total += len(f.Content)
		}
		if total > len(b) || cap(got.RTF) > 9*len(b) || len(got.Text)+len(got.HTML)+len(got.Subject) > 3*len(b) {
			t.Fatalf("%d octets of %d", total, len(b))
		}
		if _, err = ParseTNEF(b); err != nil && err != ErrNotTNEF {
			t.Fatal(err)
		}
	})
}

package message

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestUU(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, want string
		bad      bool
	}{
		{"begin 644 a.txt\n#0V%T\n`\nend\n", "Cat", false},
		{"text\nbegin 644 a\n#0V%T\n \nend\nmore\n", "Cat", false},
		{"begin 0644 a b\n&0V%T0V%T\nend", "CatCat", false},
		{"begin 644 a\n!80\nend\n", "a", false}, // padding cut off
		{"begin 644 a\n!80  \nend\n", "a", false},
		{"begin 644 a\n#0V%TX\nend\n", "Cat", false}, // a checksum
		{"begin 644 a\n$    \nend\n", "\x00\x00\x00", false},
		{"begin 644 a\n#0V%T\n", "Cat", true},
		{"begin 644 a\nM0V%T\nend\n", "Cat", true},
		{"begin 644 a\n\x7f\n~~\n#0V%T\nend\n", "Cat", true},
		{"begin 644\n#0V%T\nend\n", "", true},
		{"", "", true},
	} {
		for _, size := range []int{qpTail + 1, qpTail + 5, 4096} {
			got, b := decodeIn(EncodingUU, []byte(test.in), size)
			require.Equal(t, test.want, string(got), "%q by %d", test.in, size)
			require.Equal(t, test.bad, b.uu.bad, "%q", test.in)
		}
	}
}

// yencode is the coder of the tests.
func yencode(content []byte, line int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "=ybegin line=%d size=%d name=a b.bin\r\n", line, len(content))
	n := 0
	for _, c := range content {
		c += 42
		if c == 0 || c == '\n' || c == '\r' || c == '=' || n == 0 && c == '.' {
			b.WriteByte('=')
			c += 64
		}
		b.WriteByte(c)
		if n++; n == line {
			b.WriteString("\r\n")
			n = 0
		}
	}
	fmt.Fprintf(&b, "\r\n=yend size=%d crc32=%08x\r\n", len(content), crc32.ChecksumIEEE(content))
	return b.Bytes()
}

func TestYEnc(t *testing.T) {
	t.Parallel()
	content := make([]byte, 3000)
	for i := range content {
		content[i] = byte(i * i >> 3)
	}
	for _, line := range []int{1, 2, 128, 997, 5000} {
		in := append([]byte("text\r\n"), yencode(content, line)...)
		for _, size := range []int{qpTail + 1, qpTail + 5, 4096} {
			got, b := decodeIn(EncodingYEnc, in, size)
			require.Equal(t, content, got, "%d by %d", line, size)
			require.False(t, b.yenc.bad)
			require.Equal(t, "a b.bin", b.yenc.name)
		}
		in[len(in)-3] ^= 1
		_, b := decodeIn(EncodingYEnc, in, 4096)
		require.True(t, b.yenc.bad, "the sum is wrong")
	}
	for _, in := range []string{"", "=ybegin line=1\r\nx\r\n", "=ybegin line=1 size=1 name=a\r\nx\r\n", "=ybegin line=1 size=1 name=a\r\nxy\r\n=yend size=1\r\n", "=ybegin line=1 size=1 name=a\r\n=yend\r\n"} {
		_, b := decodeIn(EncodingYEnc, []byte(in), 4096)
		require.True(t, b.yenc.bad, in)
	}
}

// TestYEncFiles decodes the files of a collection.
func TestYEncFiles(t *testing.T) {
	t.Parallel()
	root := sharedData(t, "mime", "mimekit", "yenc")
	for _, name := range []string{"simple.msg", "state-changes.ntx"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		files, err := (&Part{msg: &Message{data: b, src: bytes.NewReader(b)}, end: int64(len(b))}).Embedded()
		require.NoError(t, err)
		require.Len(t, files, 1)
		require.True(t, files[0].Whole, name)
		require.Equal(t, "testfile.txt", files[0].Name)
		require.Len(t, files[0].Content, 584)
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	m := parseString(t, "\nbegin 644 letters that are none\nHello\nbegin 644 a.txt\n#0V%T\n`\nend\ntext\nbegin 644 b\n#0V%T\nno more of it\n"+
		strings.ReplaceAll(string(yencode([]byte("Dog"), 10)), "\r\n", "\n")+"=ybegin size=9 name=c\nx")
	files, err := m.Root().Embedded()
	require.NoError(t, err)
	require.Equal(t, []Embedded{
		{"a.txt", EncodingUU, []byte("Cat"), true},
		{"b", EncodingUU, []byte("Cat"), false},
		{"a b.bin", EncodingYEnc, []byte("Dog"), true},
		{"c", EncodingYEnc, []byte("N"), false},
	}, files)
	for n, want := range map[int]int{1000: 1000, 1001: 1000} {
		files, err = parseString(t, "\n"+strings.Repeat("begin 644 a\nend\n", n)).Root().Embedded()
		require.NoError(t, err)
		require.Len(t, files, want)
	}
	m.src, m.data = bytes.NewReader(nil), nil
	_, err = m.Root().Embedded()
	require.Error(t, err)
}

// TestSeries compares the attachments of a series of messages in which many mail
// programs sent the same files in all encodings.
func TestSeries(t *testing.T) {
	t.Parallel()
	root := sharedData(t, "mime", "zbateson-mmp", "emails")
	type attachment struct{ file, name, content string }
	var all []attachment
	for _, file := range filesBelow(t, root, ".txt") {
		if !strings.HasPrefix(filepath.Base(file), "m") {
			continue
		}
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		m, err := ParseBytes(b)
		require.NoError(t, err)
		add := func(name string, content []byte) {
			content = bytes.TrimRight(bytes.ReplaceAll(content, []byte("\r"), nil), "\n")
			all = append(all, attachment{filepath.Base(file), name, string(content)})
		}
		for p := range m.Parts() {
			body, err := p.AppendBody(nil)
			if strings.HasPrefix(p.MediaType(), "text/") {
				body, err = p.AppendText(nil)
			}
			require.NoError(t, err)
			if name := p.Filename(); name != "" && p.kind == leaf && p.MediaType() != "application/mac-binhex40" {
				add(name, body)
			}
			files, err := p.Embedded()
			require.NoError(t, err)
			for _, f := range files {
				add(f.Name, f.Content)
			}
		}
	}
	common := make(map[string]map[string]int) // by name, how often each content is met
	for _, a := range all {
		if common[a.name] == nil {
			common[a.name] = make(map[string]int)
		}
		common[a.name][a.content]++
	}
	s := newScore(t, nil)
	for _, a := range all {
		want := a.content
		for content, n := range common[a.name] {
			if n > common[a.name][want] {
				want = content
			}
		}
		s.field(a.file+"/"+a.name, want, a.content)
	}
	s.finish()
}

func FuzzUU(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("text\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\nmore"), uint16(3))
	f.Add([]byte("begin 644 a\n#0V%T\nM\n"), uint16(1000))
	f.Fuzz(func(t *testing.T, src []byte, size uint16) { checkCoder(t, EncodingUU, src, size) })
}

func FuzzYEnc(tf *testing.F) {
	f := storm.New(tf)
	f.Add(yencode([]byte("\x00Hello\xd6, world\x13\xe0"), 7), uint16(3))
	f.Add([]byte("=ybegin size=1 name=a\n==\n=ypart\n=y=\n=yend size=1 crc32=0\n"), uint16(1000))
	f.Fuzz(func(t *testing.T, src []byte, size uint16) { checkCoder(t, EncodingYEnc, src, size) })
}

// checkCoder checks that a body is the same however it is read.
func checkCoder(t *testing.T, encoding Encoding, src []byte, size uint16) {
	whole, err := (&body{raw: src, encoding: encoding}).appendTo(nil)
	if err != nil || len(whole) > len(src) {
		t.Fatalf("%v, %d octets of %d", err, len(whole), len(src))
	}
	if got, _ := decodeIn(encoding, src, qpTail+1+int(size)%3000); !bytes.Equal(got, whole) {
		t.Fatalf("%q in pieces, %q as a whole", got, whole)
	}
	files, err := (&Part{msg: &Message{data: src, src: bytes.NewReader(src)}, end: int64(len(src))}).Embedded()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, f := range files {
		total += len(f.Content)
	}
	if total > len(src) {
		t.Fatalf("%d octets of %d", total, len(src))
	}
}

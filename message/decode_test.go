package message

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

// decodeIn decodes src in chunks of that size, as a body of a file is.
func decodeIn(encoding Encoding, src []byte, size int) ([]byte, *body) {
	b := &body{src: bytes.NewReader(src), end: int64(len(src)), encoding: encoding, buf: make([]byte, size)}
	out, err := io.ReadAll(b)
	if err != nil {
		panic(err)
	}
	return out, b
}

func TestBase64(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, want string
		bad      bool
	}{
		{"", "", false},
		{"aGVsbG8=", "hello", false},
		{"aGVsbG8=\r\n", "hello", false},
		{"aGVs\r\nbG8=\r\n", "hello", false},
		{"aG\r\nVsb\nG8\r\n=\r\n", "hello", false},
		{"aGVsbA==", "hell", false},
		{"aGVsbA=\r\n=", "hell", false},
		{"a G V s\tb G 8 =", "hello", false},
		{"aGVsbG8", "hello", true},
		{"aGVsbA", "hell", true},
		{"aGVsbA=", "hell", true},
		{"aGVsbGx", "helll", true},
		{"aGVsb", "hel", true},
		{"aGVs!!bG8=", "hello", true},
		{"aGVs\x00\xffbG8=", "hello", true},
		{"=aGVs=bG8=", "hello", true},
		{"aGVsbG8=aGVsbG8=", "hello", true},
		{"aGVsbG8=\r\n-- \r\nlist footer\r\n", "hello", true},
		{"aGVsbG8==", "hello", true},
		{"aGVsbA===", "hell", true},
		{"a=GVs", "hel", true},
		{"====", "", true},
	} {
		for _, size := range []int{1, 2, 3, 5, 8, 13, 4096} {
			got, b := decodeIn(EncodingBase64, []byte(test.in), size)
			require.Equal(t, test.want, string(got), "%q by %d", test.in, size)
			require.Equal(t, test.bad, b.base64.bad, "%q by %d", test.in, size)
		}
	}
}

func TestQuotedPrintable(t *testing.T) {
	t.Parallel()
	blanks := strings.Repeat(" ", maxQPBlanks)
	for _, test := range []struct {
		in, want string
		bad      bool
	}{
		{"", "", false},
		{"hello", "hello", false},
		{"a=C3=B6=c3=b6", "aöö", false},
		{"a =\r\nb=\nc", "a bc", false},
		{"a= \t\r\nb", "ab", false},
		{"a=", "a", false},
		{"a= ", "a", false},
		{"a  \r\nb\t\n c \t", "a\r\nb\n c", false},
		{"a=20  \r\nb=20", "a \r\nb ", false},
		{"=3D=\r\n=3D", "==", false},
		{"\r\n\r\n=\r\n\r\n", "\r\n\r\n\r\n", false},
		{"a \r\r\n", "a\r\r\n", false},
		{"a=\r\r\nb", "ab", false},
		{"a=zz=4=", "a=zz=4", true},
		{"==41", "=A", true},
		{"a=\xff=", "a=\xff", true},
		{"raw \xc3\xb6", "raw ö", false},
		{"a" + blanks + "\r\nb", "a\r\nb", false},
		{"a " + blanks + "\r\nb", "a \r\nb", false},
		{"a=" + blanks + "\r\nb", "ab", false},
		{"a= " + blanks + "\r\nb", "a= \r\nb", true},
		{strings.Repeat("=41", 5000), strings.Repeat("A", 5000), false},
		{strings.Repeat("=", 5000), strings.Repeat("=", 4999), true},
	} {
		for _, size := range []int{qpTail + 1, qpTail + 2, qpTail + 3, 1500, 4096, bodyChunk} {
			got, b := decodeIn(EncodingQuotedPrintable, []byte(test.in), size)
			require.Equal(t, test.want, string(got), "%.60q by %d", test.in, size)
			require.Equal(t, test.bad, b.qp.bad, "%.60q by %d", test.in, size)
		}
	}
}

// TestDecodePlaces moves what the fast paths must notice over all places of a line
// and of the words they take at once.
func TestDecodePlaces(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("QUJDREVGR0hJSktM", 5)[:76]
	for _, mark := range []string{"=", "==", "=4", "=41", "=4\r\n", "=\n", "= \n", " \n", "\r\n", "\r", "\r\r\n", "\t\r\r\n", "-", "\xC3"} {
		for at := range 2 * len(line) {
			for _, eol := range []string{"\r\n", "\n"} {
				src := []byte(strings.Repeat(line+eol, 4))
				src = slices.Insert(src, at, []byte(mark)...)
				got, _ := decodeIn(EncodingQuotedPrintable, src, len(src))
				require.Equal(t, string(slowQP(src)), string(got), "%q", src)
				got, _ = decodeIn(EncodingBase64, src, len(src))
				require.Equal(t, string(slowBase64(src)), string(got), "%q", src)
			}
		}
	}
}

func TestParseEncoding(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Encoding{
		"": EncodingUnknown, "7bit": Encoding7Bit, " 8BIT\r\n": Encoding8Bit, "Binary": EncodingBinary, "BASE64 ": EncodingBase64,
		"quoted-printable": EncodingQuotedPrintable, "(a) base64 (b)": EncodingBase64, "base64 x": EncodingUnknown, "base64(x) y": EncodingUnknown,
		"x-uuencode": EncodingUU, "X-UUE": EncodingUU, "yenc": EncodingYEnc, "x-other": EncodingUnknown, "\"base64\"": EncodingUnknown,
	} {
		got, ok := parseEncoding([]byte(in))
		require.Equal(t, want, got, "%q", in)
		require.Equal(t, want != EncodingUnknown, ok, "%q", in)
	}
	for in, want := range map[string]Encoding{"base64;": EncodingBase64, "(x) quoted-printable (y) ; a=b": EncodingQuotedPrintable, ";base64": EncodingUnknown} {
		got, ok := parseEncoding([]byte(in))
		require.Equal(t, want, got, "%q", in)
		require.False(t, ok, "%q", in)
	}
	require.Equal(t, "unknown", EncodingUnknown.String())
}

// slowBase64 is base64Decoder as one would write it first.
func slowBase64(src []byte) []byte {
	var clean []byte
	for _, c := range src {
		if c == '=' && len(clean)%4 >= 2 {
			break
		}
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", c) >= 0 {
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out, err := base64.RawStdEncoding.DecodeString(string(clean))
	if err != nil {
		panic(err)
	}
	return out
}

func FuzzDecodeBase64(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("aGVs\r\nbG8="), 3)
	f.Add([]byte("aGVsbG8gd29ybGQsIGhlbGxvIHdvcmxk\r\naGVsbG8gd29ybGQsIGhlbGxvIHdvcmxk\r\n"), 9)
	f.Add([]byte("=a=G!V=s="), 1)
	f.Add(base64Lines(make([]byte, 200)), 200)
	f.Fuzz(func(t *testing.T, src []byte, size int) {
		got, b := decodeIn(EncodingBase64, src, 1+max(size, 0)%1000)
		sameOctets(t, slowBase64(src), got, "in pieces")
		whole, err := (&body{raw: src, encoding: EncodingBase64}).appendTo(nil)
		good(t, err)
		sameOctets(t, got, whole, "as a whole")

		// It is good if and only if it is what encoding/base64 takes, blanks aside.
		_, err = base64.StdEncoding.DecodeString(dropFWS(string(src)))
		same(t, err == nil, !b.base64.bad, "good base64")

		encoded := base64Lines(src)
		again, b := decodeIn(EncodingBase64, encoded, len(encoded))
		sameOctets(t, src, again, "what was encoded")
		same(t, false, b.base64.bad, "bad base64")
	})
}

// slowQP is qpDecoder as one would write it first.
func slowQP(src []byte) []byte {
	var out []byte
	for _, line := range strings.SplitAfter(string(src), "\n") {
		text := strings.TrimRight(line, "\r\n")
		end := line[len(text):]
		for n := 0; n < maxQPBlanks && text != "" && isWSP(text[len(text)-1]); n++ {
			text = text[:len(text)-1]
		}
		text, soft := strings.CutSuffix(text, "=")
		for i := 0; i < len(text); i++ {
			c := text[i]
			if v, ok := unhex(text[i+1:]); c == '=' && ok {
				c = v
				i += 2
			}
			out = append(out, c)
		}
		if !soft {
			out = append(out, end...)
		}
	}
	return out
}

func FuzzDecodeQP(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("a=C3=B6 =\r\nb \t\r\n=3D=zz=\n=="), 3)
	f.Add(bytes.Repeat([]byte("Gr=C3=BC=C3=9Fe, and a soft line break =\r\nat the end of a line\n"), 4), 200)
	f.Add(bytes.Repeat([]byte("= \t="), 20), 0)
	f.Add(append(bytes.Repeat([]byte(" "), maxQPBlanks+8), "\n"...), 0)
	f.Fuzz(func(t *testing.T, src []byte, size int) {
		want := string(slowQP(src))
		got, _ := decodeIn(EncodingQuotedPrintable, src, qpTail+1+max(size, 0)%1000)
		sameOctets(t, want, got, "in pieces")
		whole, err := (&body{raw: src, encoding: EncodingQuotedPrintable}).appendTo(nil)
		good(t, err)
		sameOctets(t, want, whole, "as a whole")

		var encoded bytes.Buffer
		w := quotedprintable.NewWriter(&encoded)
		w.Binary = true
		_, _ = w.Write(src)
		_ = w.Close()
		again, b := decodeIn(EncodingQuotedPrintable, encoded.Bytes(), qpTail+1+encoded.Len())
		sameOctets(t, src, again, "what was encoded")
		same(t, false, b.qp.bad, "bad quoted-printable")
	})
}

// TestOpen reads bodies of a message in a file in all ways.
func TestOpen(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte("a line of text, and no more than that\r\n"), 5000)
	for encoding, text := range map[Encoding]string{
		Encoding8Bit:            string(big),
		EncodingBase64:          string(base64Lines(big)),
		EncodingQuotedPrintable: string(big),
	} {
		b := []byte("Content-Transfer-Encoding: " + encoding.String() + "\r\n\r\n" + text)
		m, err := Parse(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err)
		got, err := m.Root().AppendBody(nil)
		require.NoError(t, err)
		require.Equal(t, string(big), string(got))
		require.NoError(t, iotest.TestReader(m.Root().Open(), big))

		// Reading a little first does not lose what WriteTo writes.
		r := m.Root().Open()
		start := make([]byte, 10)
		_, err = io.ReadFull(r, start)
		require.NoError(t, err)
		var rest bytes.Buffer
		n, err := io.Copy(&rest, r)
		require.NoError(t, err)
		require.Equal(t, int64(len(big)-10), n)
		require.Equal(t, string(big), string(start)+rest.String())
		n2, err := r.Read(nil)
		require.Zero(t, n2)
		require.NoError(t, err)
	}
}

// brokenWriter takes some octets and then fails.
type brokenWriter struct{ n int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.n)
	if w.n -= n; n < len(p) {
		return n, errDisk
	}
	return n, nil
}

func TestWriteToFails(t *testing.T) {
	t.Parallel()
	m, err := ParseBytes([]byte("\r\n" + strings.Repeat("x", 100_000)))
	require.NoError(t, err)
	n, err := io.Copy(&brokenWriter{50_000}, m.Root().Open())
	require.ErrorIs(t, err, errDisk)
	require.Equal(t, int64(50_000), n)
}

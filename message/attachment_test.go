package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

func TestFileNames(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2183-2-2", "rfc2183-2-3", "rfc2183-2-4", "rfc2231-4-1", "rfc2047-5-7")
	for name, want := range map[string]string{
		"report.pdf":             "filename=report.pdf",
		"two words.pdf":          `filename="two words.pdf"`,
		"it's 100%*.pdf":         `filename="it's 100%*.pdf"`,
		"a;b=c.pdf":              `filename="a;b=c.pdf"`,
		`say "hi".pdf`:           "filename*=utf-8''say%20%22hi%22.pdf",
		"=?utf-8?q?x?=":          "filename*=utf-8''%3D%3Futf-8%3Fq%3Fx%3F%3D",
		"März.csv":               "filename*=utf-8''M%C3%A4rz.csv",
		strings.Repeat("x", 78):  "filename=" + strings.Repeat("x", 78),
		strings.Repeat("x", 79):  "filename*0*=utf-8''" + strings.Repeat("x", 44) + ";\r\n filename*1*=" + strings.Repeat("x", 35),
		strings.Repeat("語", 10):  "filename*0*=utf-8''" + strings.Repeat("%E8%AA%9E", 5) + ";\r\n filename*1*=" + strings.Repeat("%E8%AA%9E", 5),
		strings.Repeat("é", 512): "",
	} {
		s := write(t, &Draft{From: me, Attachments: []Attachment{FromBytes(name, "text/plain; charset=utf-8; x=\"a b\"", nil)}})
		if want != "" {
			require.Contains(t, strings.ReplaceAll(s, "attachment;\r\n ", "attachment; "), "Content-Disposition: attachment; "+want+"\r\n")
		}
		_, leaves := readLeaves(t, s)
		require.Equal(t, name, leaves[0].filename)
		require.Equal(t, map[string]string{"charset": "utf-8", "x": "a b"}, leaves[0].params, "no name but in the disposition")
		m, err := ParseBytes([]byte(s))
		require.NoError(t, err)
		require.Equal(t, name, partOf(t, m, "1").Filename())
	}
}

func TestMessageAsAttachment(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2046-5.2.1-1", "rfc2045-6.4-1", "rfc2045-6.4-8")
	attach := func(inner string) (string, *Composition) {
		d := &Draft{From: me, Text: "see below", Attachments: []Attachment{FromBytes("a.eml", "message/rfc822", []byte(inner))}}
		c, err := composeAt(d)
		require.NoError(t, err)
		return write(t, d), c
	}
	s, c := attach("From: a@b\nSubject: x\n\nhello\r\nworld")
	_, leaves := readLeaves(t, s)
	require.Len(t, leaves, 2)
	require.Equal(t, "From: a@b\r\nSubject: x\r\n\r\nhello\r\nworld", leaves[1].content)
	require.NotContains(t, s, "Content-Transfer-Encoding")
	require.False(t, c.Needs8BitMIME())

	s, c = attach("From: a@b\r\n\r\n" + strings.Repeat("é", 499) + "\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", 200))
	require.True(t, c.Needs8BitMIME())
	require.False(t, c.NeedsSMTPUTF8())
	require.Equal(t, 2, strings.Count(s, "\r\nContent-Transfer-Encoding: 8bit\r\n"), "the part's, and that of what it is in")
	_, leaves = readLeaves(t, s)
	require.Len(t, leaves[1].content, 13+1000+200*1000)
}

// changing gives other content each time it is opened.
func changing(mediaType string, contents ...string) Attachment {
	return Attachment{Name: "changing", MediaType: mediaType, Open: func() (io.ReadCloser, error) {
		s := contents[0]
		contents = contents[1:]
		return io.NopCloser(strings.NewReader(s)), nil
	}}
}

// closeCounter counts what is open.
type closeCounter struct {
	io.Reader
	open *int
	err  error
}

func (c closeCounter) Close() error { *c.open--; return c.err }

func TestAttachmentThatFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	long := strings.Repeat("x", 200_000)
	open := 0
	source := func(r func() io.Reader, closing error) Attachment {
		return Attachment{Name: "f", Open: func() (io.ReadCloser, error) { open++; return closeCounter{r(), &open, closing}, nil }}
	}
	file := filepath.Join(t.TempDir(), "grows.txt")
	require.NoError(t, os.WriteFile(file, []byte("12345"), 0o600))
	growing := FromFile(file)
	openFile := func() (io.ReadCloser, error) {
		require.NoError(t, os.WriteFile(file, []byte("12345"), 0o600))
		return FromFile(file).Open()
	}
	growing.Open = func() (io.ReadCloser, error) {
		r, err := openFile()
		require.NoError(t, os.WriteFile(file, []byte("1234567"), 0o600))
		return r, err
	}
	shrinking := FromFile(file)
	shrinking.Open = func() (io.ReadCloser, error) {
		r, err := openFile()
		require.NoError(t, os.Truncate(file, 2))
		return r, err
	}
	for name, row := range map[string]struct {
		a    Attachment
		want error
	}{
		"cannot be opened":         {Attachment{Open: func() (io.ReadCloser, error) { return nil, boom }}, boom},
		"opens with EOF":           {Attachment{Open: func() (io.ReadCloser, error) { return nil, io.EOF }}, io.ErrUnexpectedEOF},
		"fails at once":            {source(func() io.Reader { return iotest.ErrReader(boom) }, nil), boom},
		"fails in the middle":      {source(func() io.Reader { return io.MultiReader(strings.NewReader(long), iotest.ErrReader(boom)) }, nil), boom},
		"is cut short":             {source(func() io.Reader { return io.MultiReader(strings.NewReader("x"), iotest.ErrReader(io.ErrUnexpectedEOF)) }, nil), io.ErrUnexpectedEOF},
		"fails to close":           {source(func() io.Reader { return strings.NewReader(long) }, boom), boom},
		"fails to close, with EOF": {source(func() io.Reader { return strings.NewReader(long) }, io.EOF), io.ErrUnexpectedEOF},
		"gives nothing for ever":   {source(func() io.Reader { return idleReader{} }, nil), io.ErrNoProgress},
		"does not exist":           {FromFile(file + "x"), os.ErrNotExist},
		"is a folder":              {FromFile(filepath.Dir(file)), nil},
		"grows":                    {growing, errResized},
		"shrinks":                  {shrinking, errResized},
		"was ASCII":                {changing("message/rfc822", "X: y\r\n\r\n", "X: é\r\n\r\n"), err8Bit},
		"had no long line":         {changing("message/rfc822", "X: y\r\n\r\n", "X: y\r\n\r\n"+long), errLongLine},
		"had no CR":                {changing("message/rfc822", "X: y\r\n\r\n", "X: y\r\n\r\n\rx"), errBareCR},
	} {
		t.Run(name, func(t *testing.T) {
			draft := &Draft{From: me, Text: "text", Attachments: []Attachment{row.a, FromBytes("after", "", nil)}}
			if strings.HasPrefix(row.a.MediaType, "message/") {
				var b bytes.Buffer
				_, err := draft.WriteTo(&b)
				require.ErrorIs(t, err, row.want)
				require.NotErrorIs(t, err, io.EOF)
				return
			}
			c, err := draft.Compose()
			require.NoError(t, err)
			var b bytes.Buffer
			n, err := c.WriteTo(&b)
			require.Error(t, err)
			require.NotErrorIs(t, err, io.EOF)
			require.Equal(t, int64(b.Len()), n)
			require.NotContains(t, b.String(), "--\r\n", "not the last boundary")

			r := c.Reader()
			_, err = io.Copy(io.Discard, struct{ io.Reader }{r})
			require.Error(t, err)
			_, again := r.Read(make([]byte, 1))
			require.Equal(t, err, again, "the error stays")
			if row.want != nil {
				require.ErrorIs(t, err, row.want)
			}
			require.NoError(t, r.Close())
			require.Zero(t, open)
		})
	}
}

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

func TestComposition(t *testing.T) {
	t.Parallel()
	open := 0
	content := strings.Repeat("0123456789", 30_000)
	d := &Draft{From: me, Text: "text", HTML: strings.Repeat("ü", 1000), Attachments: []Attachment{
		{Name: "x", Open: func() (io.ReadCloser, error) {
			open++
			return closeCounter{iotest.HalfReader(strings.NewReader(content)), &open, nil}, nil
		}},
		FromBytes("m", "message/rfc822", []byte(strings.Repeat("X: y\n", 20_000))),
	}}
	c, err := d.Compose()
	require.NoError(t, err)
	var want bytes.Buffer
	for range 2 {
		want.Reset()
		_, err = c.WriteTo(&want)
		require.NoError(t, err)
	}
	_, leaves := readLeaves(t, want.String())
	require.Len(t, leaves, 4)
	require.Equal(t, content, leaves[2].content)
	r := c.Reader()
	require.NoError(t, iotest.TestReader(r, want.Bytes()))
	require.NoError(t, r.Close())

	// A reader in whatever pieces, then WriteTo.
	r = c.Reader()
	head := make([]byte, 50_001)
	_, err = io.ReadFull(r, head)
	require.NoError(t, err)
	var rest bytes.Buffer
	_, err = r.(io.WriterTo).WriteTo(&rest)
	require.NoError(t, err)
	require.Equal(t, want.String(), string(head)+rest.String())
	require.NoError(t, r.Close())
	require.Zero(t, open)

	// Close in the middle closes the attachment, and ends nothing well.
	r = c.Reader()
	_, err = io.ReadFull(r, head)
	require.NoError(t, err)
	require.Equal(t, 1, open)
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	require.Zero(t, open)
	_, err = r.Read(head)
	require.ErrorIs(t, err, os.ErrClosed)

	_, err = c.WriteTo(failingWriter{})
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.Zero(t, open)
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestFromFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, mediaType := range map[string]string{"Zahlen März.CSV": "text/csv", "noext": "application/octet-stream", "b.pdf": "application/pdf"} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte("content\nof "+name), 0o600))
		_, leaves := readLeaves(t, write(t, &Draft{From: me, Attachments: []Attachment{FromFile(path)}}))
		require.Equal(t, name, leaves[0].filename)
		require.Equal(t, mediaType, leaves[0].mediaType)
		require.Equal(t, "content\nof "+name, leaves[0].content)
	}
}

// TestAttachmentWrapsEOF: an error that only wraps io.EOF was taken for the end, and
// the message went out cut short.
func TestAttachmentWrapsEOF(t *testing.T) {
	t.Parallel()
	for _, mediaType := range []string{"", "message/rfc822"} {
		opened := 0
		d := &Draft{From: me, Attachments: []Attachment{{Name: "x", MediaType: mediaType, Open: func() (io.ReadCloser, error) {
			src := io.Reader(strings.NewReader("A: b\r\n\r\nc\r\n"))
			// A message is read once by Compose, which must not see the fault here.
			if opened++; mediaType == "" || opened > 1 {
				src = io.MultiReader(src, iotest.ErrReader(fmt.Errorf("connection lost: %w", io.EOF)))
			}
			return io.NopCloser(src), nil
		}}}}
		c, err := d.Compose()
		require.NoError(t, err)
		_, err = c.WriteTo(io.Discard)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		_, err = io.ReadAll(c.Reader())
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		d.Attachments[0].MediaType = "message/rfc822"
		_, err = d.Compose()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
}

// TestLongParameterName: no piece of the value fitted beside the name, and the pieces
// never ended.
func TestLongParameterName(t *testing.T) {
	t.Parallel()
	name, value := strings.Repeat("n", 60), strings.Repeat("v", 100)
	s := write(t, &Draft{From: me, Attachments: []Attachment{FromBytes("x", "text/plain; "+name+"="+value, nil)}})
	m, err := ParseBytes([]byte(s))
	require.NoError(t, err)
	require.Equal(t, value, partOf(t, m, "1").Params().Get(name))
}

// TestLongParameter: what is written in pieces is read again from all of them.
func TestLongParameter(t *testing.T) {
	t.Parallel()
	for _, char := range []string{"x", "%", "é", "語", "𝄞"} {
		for n := 1; n <= maxFieldName; n++ {
			size := maxFileName - n
			if n > maxParamName {
				size = maxParams
			}
			name, value := strings.Repeat("n", n), strings.Repeat(char, size/len(char))
			file := FromBytes(value, mime.FormatMediaType("text/plain", map[string]string{name: value}), nil)
			m, err := (&Parser{Strict: true}).ParseBytes([]byte(write(t, &Draft{From: me, Attachments: []Attachment{file}})))
			require.NoError(t, err)
			require.Equal(t, value, m.Part("1").Params().Get(name))
			require.Equal(t, value, m.Part("1").Filename())
		}
	}
}

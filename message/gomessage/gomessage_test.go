package gomessage

import (
	"bytes"
	"io"
	"strings"
	"testing"

	gomessage "github.com/emersion/go-message"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/message"
)

const sample = "dkim-signature : a=b;\r\n\t c = d\r\nSUBJECT:  folded \r\n text\t\r\nX-8bit: \xf6\r\nFrom: a@b\r\nFrom: c@d\r\n" +
	"Content-Type: multipart/mixed; boundary=aa\r\n\r\n--aa\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--aa--\r\n"

func TestBothWays(t *testing.T) {
	t.Parallel()
	m, err := message.ParseBytes([]byte(sample))
	require.NoError(t, err)
	back, err := FromHeader(Header(m.Header()))
	require.NoError(t, err)
	require.Equal(t, string(m.Header().Raw()), string(back.Raw()))

	e, err := Entity(m.Root())
	require.NoError(t, err)
	again, err := FromEntity(e)
	require.NoError(t, err)
	require.Equal(t, string(m.Header().Raw()), string(again.Header().Raw()))
	body, err := again.Part("1").AppendBody(nil)
	require.NoError(t, err)
	require.Equal(t, "hello", string(body))

	e, err = Entity(m.Part("1"))
	require.NoError(t, err)
	body, err = io.ReadAll(e.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(body))

	m, err = message.ParseBytes([]byte("Subject: a\nno field\nX: y"))
	require.NoError(t, err)
	back, err = FromHeader(Header(m.Header()))
	require.NoError(t, err)
	require.Equal(t, "Subject: a\r\nX: y\r\n", string(back.Raw()))
	m, err = message.ParseBytes([]byte("Content-Transfer-Encoding: x-none\r\n\r\nx"))
	require.NoError(t, err)
	e, err = Entity(m.Root())
	require.True(t, gomessage.IsUnknownEncoding(err))
	require.NotNil(t, e)
}

// FuzzHeader checks that fields with CRLF come back as they went.
func FuzzHeader(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte(sample))
	f.Add([]byte("a:b\n c\r\nd : \x00e\r\n:f\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := message.ParseHeader(b)
		back, err := FromHeader(Header(h))
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for f := range h.All() {
			if f.Name() != "" {
				want = append(want, withCRLF(f.Raw())...)
			}
		}
		if !bytes.Equal(want, back.Raw()) {
			t.Fatalf("%q became %q", want, back.Raw())
		}
		if strings.Contains(string(want), "\n") && back.Len() == 0 {
			t.Fatal("fields were lost")
		}
	})
}

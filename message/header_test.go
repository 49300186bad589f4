package message

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	raw := "Received: one\r\nX-A : folded\r\n\tvalue \r\nreceived: two\r\nbad line\r\nSubject: =?utf-8?q?=C3=B6?=\r\n"
	h := ParseHeader([]byte(raw + "\r\nbody: x\r\n"))
	require.Equal(t, raw, string(h.Raw()))
	require.Equal(t, 5, h.Len())
	var names, raws []string
	for f := range h.All() {
		names = append(names, f.Name())
		raws = append(raws, string(f.Raw()))
	}
	require.Equal(t, []string{"Received", "X-A", "received", "", "Subject"}, names)
	require.Equal(t, "X-A : folded\r\n\tvalue \r\n", raws[1])
	require.Equal(t, "bad line\r\n", raws[3])
	var values []string
	for f := range h.Values("RECEIVED") {
		values = append(values, f.Value())
	}
	require.Equal(t, []string{"one", "two"}, values)
	for f := range h.Values("received") {
		require.Equal(t, "one", f.Value())
		break
	}
	for f := range h.All() {
		require.Equal(t, "Received", f.Name())
		break
	}
	require.Equal(t, "one", h.Get("Received"))
	require.Equal(t, "folded\tvalue", h.Get("x-a"))
	require.Equal(t, "folded value", h.Text("x-a"))
	require.Equal(t, "ö", h.Subject())
	require.Equal(t, "=?utf-8?q?=C3=B6?=", h.Get("Subject"))
	require.Empty(t, h.Get(""))
	require.Empty(t, h.Text("To"))
	_, ok := h.Lookup("To")
	require.False(t, ok)
	// U+212A folds to k by Unicode, but not here.
	require.Empty(t, ParseHeader([]byte("Key: x\r\n")).Get("\u212Aey"))
}

func TestHeaderAddresses(t *testing.T) {
	t.Parallel()
	h := ParseHeader(crlf("To: a@b.test, g: c@d.test;\nTo: broken <@>\nto: e@f.test\n\n"))
	list, err := h.Addresses("To")
	require.Equal(t, []Mailbox{{"", "a@b.test"}, {"", "c@d.test"}, {"", "e@f.test"}}, list)
	require.Error(t, err)
	groups, err := h.Groups("To")
	require.Len(t, groups, 3)
	require.Error(t, err)
	list, err = h.Addresses("Cc")
	require.Empty(t, list)
	require.NoError(t, err)
}

func TestHeaderDate(t *testing.T) {
	t.Parallel()
	d, err := ParseHeader([]byte("Date: 6 Jul 2026 10:00:01 +0200\r\n")).Date()
	require.NoError(t, err)
	require.Equal(t, int64(1783324801), d.Unix())
	_, err = Header{}.Date()
	require.ErrorIs(t, err, ErrNoDate)
}

func TestMessageIDs(t *testing.T) {
	t.Parallel()
	h := ParseHeader(crlf("Message-ID: (c) <a@b> (d)\nReferences: <a@b>\n <c@d>, \"x\" (<no@no>) junk <  > <e@f\nIn-Reply-To: Your message of \"Thu <x@y>\" <g@h>\n\n"))
	require.Equal(t, "a@b", h.MessageID())
	require.Equal(t, []string{"a@b", "c@d", "e@f"}, h.MessageIDs("References"))
	require.Equal(t, []string{"g@h"}, h.MessageIDs("in-reply-to"))
	require.Empty(t, h.MessageIDs("x"))
	require.Equal(t, "bare@id", ParseHeader([]byte("Message-ID: bare@id")).MessageID())
	require.Empty(t, Header{}.MessageID())
	for in, want := range map[string]string{
		"<a@b> <c@d>": "a@b", "a@b>": "a@b", "<<a@b>>": "a@b", "x <a@b>": "a@b", "\"<no@no>\" <a@b>": "a@b",
		"<a b@c>": "a b@c", "<a": "a", "x y": "x y", "x": "x", "<>": "", ">": ">",
	} {
		require.Equal(t, want, ParseHeader([]byte("Message-ID: "+in+"\r\n")).MessageID(), in)
	}
}

func TestPartFields(t *testing.T) {
	t.Parallel()
	m, err := ParseBytes(crlf("Content-Type: Text/HTML; charset=\"UTF-8\"; x=y\nContent-Disposition: (a) INLINE; filename=f; size=3\nContent-ID: <id@x>\n\n"))
	require.NoError(t, err)
	p := m.Root()
	require.Equal(t, "text/html", p.MediaType())
	require.Equal(t, "utf-8", p.Charset())
	require.Equal(t, "y", p.Params().Get("x"))
	require.Equal(t, "inline", p.Disposition())
	require.Equal(t, "3", p.DispositionParams().Get("size"))
	require.Equal(t, "id@x", p.ContentID())
	require.Equal(t, m.Size(), int64(122))
	m, err = ParseBytes(crlf("Content-Type: broken; x=y\n\n"))
	require.NoError(t, err)
	require.Equal(t, "text/plain", m.Root().MediaType())
	require.Equal(t, Params{{Name: "x", Value: "y"}}, m.Root().Params())
	require.Empty(t, m.Root().Charset())
	require.Empty(t, m.Root().Disposition())
}

package message

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestSetParent(t *testing.T) {
	t.Parallel()
	long := make([]string, 300)
	for i := range long {
		long[i] = fmt.Sprintf("<%d@b>", i)
	}
	last := []string{"0@b"}
	for i := 300 - maxReferences + 2; i < 300; i++ {
		last = append(last, fmt.Sprintf("%d@b", i))
	}
	for _, row := range []struct {
		name, header          string
		inReplyTo, references []string
	}{
		{"no identifier at all", "Subject: x\n", nil, nil},
		{"the first of a thread", "Message-ID: <1@b>\n", []string{"1@b"}, []string{"1@b"}},
		{"a thread", "Message-ID: <3@b>\nIn-Reply-To: <x@b>\nReferences: <1@b>\n <2@b>\n", []string{"3@b"}, []string{"1@b", "2@b", "3@b"}},
		{"a parent and no thread", "Message-ID: <2@b>\nIn-Reply-To: <1@b>\n", []string{"2@b"}, []string{"1@b", "2@b"}},
		{"several parents and no thread", "Message-ID: <3@b>\nIn-Reply-To: <1@b> <2@b>\n", []string{"3@b"}, []string{"3@b"}},
		{"no identifier of its own", "References: <1@b>\n", nil, []string{"1@b"}},
		{"what cannot be written", "Message-ID: <a b@c>\nReferences: <\x01@b> <1@b> <\xff@b> <\u00f6@b>\n", nil, []string{"1@b"}},
		{"a giant", "Message-ID: <" + strings.Repeat("x", 901) + "@b>\n", nil, nil},
		{"a long thread", "Message-ID: <1@c>\nReferences: " + strings.Join(long, "\n ") + "\n", []string{"1@c"}, append(last, "1@c")},
	} {
		d := &Draft{From: me, Subject: "kept", InReplyTo: []string{"old@b"}, References: []string{"old@b"}}
		d.SetParent(ParseHeader([]byte(row.header)))
		require.ElementsMatch(t, row.inReplyTo, d.InReplyTo, row.name)
		require.Equal(t, len(row.references), len(d.References), row.name)
		for i := range row.references {
			require.Equal(t, row.references[i], d.References[i], row.name)
		}
		m, err := ParseBytes([]byte(write(t, d)))
		require.NoError(t, err)
		require.Equal(t, "kept", m.Header().Subject())
		require.ElementsMatch(t, row.references, m.Header().MessageIDs("References"), row.name)
	}
	d := &Draft{From: me, SMTPUTF8: true}
	d.SetParent(ParseHeader([]byte("Message-ID: <ö@b>\n")))
	require.Equal(t, []string{"ö@b"}, d.References)
	write(t, d)
}

// FuzzSetParent: whatever a message is, a reply to it can be written.
func FuzzSetParent(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("Message-ID: <a b@c>\r\nReferences: <\x01@b> <1@b>\r\n <\xff@b>\r\nIn-Reply-To: a@b (c) <d@e>\r\n"))
	f.Fuzz(func(t *testing.T, header []byte) {
		for _, utf8 := range []bool{false, true} {
			d := &Draft{From: me, SMTPUTF8: utf8}
			d.SetParent(ParseHeader(header))
			if _, err := composeAt(d); err != nil {
				t.Fatal(err)
			}
		}
	})
}

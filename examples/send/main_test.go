package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFinished(t *testing.T) {
	t.Parallel()
	var o options
	l, err := o.finished(strings.NewReader("From: Alice <alice@example.test>\nBcc: carol@example.test,\n\tdave@example.test\nTo: bob@example.test\nBCC: eve@example.test\nResent-Bcc: mallory@example.test\nSubject: x\n\nbody\n"))
	require.NoError(t, err)
	require.Equal(t, "alice@example.test", l.envelope.From.String())
	var to []string
	for _, r := range l.envelope.To {
		to = append(to, r.Address.String())
	}
	require.ElementsMatch(t, []string{"bob@example.test", "carol@example.test", "dave@example.test", "eve@example.test"}, to)
	text, err := io.ReadAll(l.body)
	require.NoError(t, err)
	require.Equal(t, "From: Alice <alice@example.test>\nTo: bob@example.test\nSubject: x\n\r\nbody\n", string(text))
}

func TestFinishedErrors(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no author":     "To: bob@example.test\n\n",
		"no recipients": "From: alice@example.test\n\n",
		"empty":         "",
		"header cut":    "From: alice@example.test\nTo: bob@example.test\n" + strings.Repeat("X: y\n", 10_000) + "Bcc: carol@example.test\n\n",
	} {
		var o options
		_, err := o.finished(strings.NewReader(text))
		require.Error(t, err, name)
	}
}

func TestCompose(t *testing.T) {
	t.Parallel()
	o := options{
		from: "Alice <alice@example.test>", to: list{"Bob <bob@example.test>, dan@example.test"}, bcc: list{"carol@example.test"},
		subject: "x", text: "hello\n", attach: list{"main_test.go"},
	}
	l, err := o.letter()
	require.NoError(t, err)
	defer l.body.Close()
	require.Len(t, l.envelope.To, 3)
	text, err := io.ReadAll(l.body)
	require.NoError(t, err)
	require.Contains(t, string(text), "filename=main_test.go")
	require.NotContains(t, string(text), "carol")

	for name, change := range map[string]func(*options){
		"no author":  func(o *options) { o.from = "" },
		"no content": func(o *options) { o.text, o.attach = "", nil },
		"injection":  func(o *options) { o.to = list{"bob@example.test>\r\nRSET\r\n<x@example.test"} },
		"no such":    func(o *options) { o.to, o.bcc = nil, nil },
	} {
		bad := o
		change(&bad)
		_, err := bad.letter()
		require.Error(t, err, name)
	}
}

// TestVanishedAttachment: what cannot be read to its end is no message.
func TestVanishedAttachment(t *testing.T) {
	t.Parallel()
	o := options{from: "alice@example.test", to: list{"bob@example.test"}, attach: list{"no-such-file"}}
	l, err := o.letter()
	if err == nil {
		_, err = io.ReadAll(l.body)
	}
	require.Error(t, err)
}

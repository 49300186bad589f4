package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/examples/internal/host"
	"github.com/posthouse/posthouse/examples/internal/program"
	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// start serves Bob's maildrop with two messages, and returns where it is on the
// disk and the flags to fetch it.
func start(t *testing.T) (box string, o options) {
	t.Helper()
	dir := t.TempDir()
	cfg, ca, err := program.ServerTLS("", "", "127.0.0.1")
	require.NoError(t, err)
	caFile := filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(caFile, ca, 0o600))
	h, err := host.Start(host.Config{
		Domain: "example.test", Hostname: "mail.example.test", POP3: "127.0.0.1:0",
		Maildir: dir, Users: map[string]string{"bob": "secret"}, TLS: cfg,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Shutdown(context.Background())) })
	box = filepath.Join(dir, "bob")
	d, err := maildir.Open(box)
	require.NoError(t, err)
	defer d.Close()
	for _, text := range []string{"Subject: 1\r\n\r\none\r\n", "Subject: 2\r\n\r\n.\r\ntwo\r\n"} {
		_, err := d.Deliver(t.Context(), strings.NewReader(text))
		require.NoError(t, err)
	}
	return box, options{addr: h.Addrs()["pop3"], mode: "stls", ca: caFile, user: "bob", password: "secret", maildir: filepath.Join(dir, "Mail")}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	box, o := start(t)
	want := delivered(t, box)
	require.Len(t, want, 2)

	require.NoError(t, o.run(t.Context()))
	require.Equal(t, want, delivered(t, o.maildir))
	require.Equal(t, want, delivered(t, box), "a copy was to be kept")
	require.NoError(t, o.run(t.Context()))
	require.Equal(t, want, delivered(t, o.maildir), "none was new")

	o.remove, o.maildir = true, o.maildir+"2"
	require.NoError(t, o.run(t.Context()))
	require.Equal(t, want, delivered(t, o.maildir))
	require.Empty(t, delivered(t, box))
}

func TestNothingIsDeletedThatIsNotHere(t *testing.T) {
	t.Parallel()
	box, o := start(t)
	o.remove = true
	require.NoError(t, os.Mkdir(o.maildir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(o.maildir, "new"), nil, 0o600)) // no folder: nothing can be delivered
	require.Error(t, o.run(t.Context()))
	require.Len(t, delivered(t, box), 2)
}

// TestOneBadMessage hinders no other, and does not bring them again.
func TestOneBadMessage(t *testing.T) {
	t.Parallel()
	s := pop3test.NewUnstartedServer(t)
	s.SetMessages("bob", [][]byte{[]byte("one"), []byte("bad"), []byte("two")})
	s.Break("bob", 2, &pop3.Error{Text: "bad message"})
	s.Config.Auth.InsecureAllowCleartext = true
	s.Start()
	o := options{addr: s.Addr, mode: "off", user: "bob", password: pop3test.DefaultPassword, maildir: filepath.Join(t.TempDir(), "Mail"), remove: true}
	for range 2 {
		require.ErrorContains(t, o.run(t.Context()), "bad")
		require.Equal(t, []string{"one\n", "two\n"}, delivered(t, o.maildir))
		require.Equal(t, [][]byte{[]byte("bad\r\n")}, s.Messages("bob"))
	}
}

// TestServersThatCannotPipeline are fetched from in a second session, without a
// message lost or fetched twice.
func TestServersThatCannotPipeline(t *testing.T) {
	t.Parallel()
	for _, how := range []pop3test.Pipelining{pop3test.RefusesGroups, pop3test.CutsGroups, pop3test.AnswersTogether} {
		s := pop3test.NewUnstartedServer(t)
		s.Quirks = &pop3test.Quirks{Pipelining: how}
		s.Start()
		s.SetMessages("bob", [][]byte{[]byte("one"), []byte("two"), []byte("three")})
		o := options{addr: s.Addr, mode: "off", user: "bob", password: pop3test.DefaultPassword, maildir: filepath.Join(t.TempDir(), "Mail"), remove: true}
		require.NoError(t, o.run(t.Context()))
		require.Equal(t, []string{"one\n", "two\n", "three\n"}, delivered(t, o.maildir))
		require.Empty(t, s.Messages("bob"))
	}
}

// TestLeftOnServer fetches what is new, and deletes what the runs before have brought.
func TestLeftOnServer(t *testing.T) {
	t.Parallel()
	s := pop3test.NewUnstartedServer(t)
	s.Config.Auth.InsecureAllowCleartext = true
	s.Start()
	o := options{addr: s.Addr, mode: "off", user: "bob", password: pop3test.DefaultPassword, maildir: filepath.Join(t.TempDir(), "Mail")}
	s.SetMessages("bob", [][]byte{[]byte("one"), []byte("two")})
	s.Break("bob", 2, &pop3.Error{Text: "bad message"})
	require.ErrorContains(t, o.run(t.Context()), "bad")
	require.Equal(t, []string{"one\n"}, delivered(t, o.maildir))
	s.Break("bob", 2, nil)
	for range 2 {
		require.NoError(t, o.run(t.Context()))
		require.Equal(t, []string{"one\n", "two\n"}, delivered(t, o.maildir))
	}
	o.remove = true
	require.NoError(t, o.run(t.Context()))
	require.Equal(t, []string{"one\n", "two\n"}, delivered(t, o.maildir))
	require.Empty(t, s.Messages("bob"))
}

// TestSort skips what is here, if it is known by a name of its own and has the size it had.
func TestSort(t *testing.T) {
	t.Parallel()
	s := session{here: map[string]fetched{"a": {7, true}, "b": {7, true}, "": {7, true}, "d": {8, true}, "gone": {7, true}}}
	var entries []pop3.Entry
	for i, uid := range []string{"a", "b", "b", "", "c", "d"} {
		entries = append(entries, pop3.Entry{Num: i + 1, UID: uid, Size: 7})
	}
	_, nums, here := s.sort(entries)
	require.Equal(t, []int{1}, here)
	require.Equal(t, []int{2, 3, 4, 5, 6}, nums)
	require.Len(t, s.here, 2, "a and d are there to be known")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := options{user: "bob", password: "x", maildir: "Mail"}
	require.NoError(t, good.check())
	for name, change := range map[string]func(*options){
		"no user":            func(o *options) { o.user = "" },
		"no password":        func(o *options) { o.password = "" },
		"keep and delete":    func(o *options) { o.keep, o.remove = true, true },
		"nowhere":            func(o *options) { o.maildir = "" },
		"two places":         func(o *options) { o.discard = true },
		"discard and delete": func(o *options) { o.maildir, o.discard, o.remove = "", true, true },
	} {
		bad := good
		change(&bad)
		require.Error(t, bad.check(), name)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	b := &bar{out: &out, messages: 1, octets: 100}
	_, err := b.Write(make([]byte, 50))
	require.NoError(t, err)
	require.Contains(t, out.String(), "["+strings.Repeat("=", barWidth/2)+strings.Repeat(" ", barWidth/2)+"] 0 of 1 messages")
	_, err = b.Write(make([]byte, 150)) // more than LIST said
	require.NoError(t, err)
	b.message()
	b.done()
	require.True(t, strings.HasSuffix(out.String(), "["+strings.Repeat("=", barWidth)+"] 1 of 1 messages, 0.0 of 0.0 MB\n"), out.String())
}

func delivered(t *testing.T, dir string) (messages []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "new", "*"))
	require.NoError(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		messages = append(messages, string(text))
	}
	return messages
}

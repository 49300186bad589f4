package maildrop_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

var (
	alice = &auth.Identity{User: "alice", Name: "alice"}
	bob   = &auth.Identity{User: "bob", Name: "bob"}
)

func TestMaildirKeepsTheRulesOfAStore(t *testing.T) {
	t.Parallel()
	for _, crlf := range []bool{false, true} {
		t.Run(fmt.Sprintf("CRLF=%v", crlf), func(t *testing.T) {
			t.Parallel()
			pop3test.TestStore(t, func(t *testing.T) pop3test.Fixture {
				root := t.TempDir()
				s := &maildrop.Maildir{Root: root, CRLF: crlf}
				return pop3test.Fixture{
					Store: s, User: alice, Other: bob,
					Deliver: func(message []byte) error {
						_, err := s.Deliver(t.Context(), "alice", bytes.NewReader(message))
						return err
					},
					Reopen: func() (pop3.Store, error) { return &maildrop.Maildir{Root: root, CRLF: crlf}, nil },
				}
			})
		})
	}
}

// TestForeignMaildirKeepsTheRulesOfAStore: mail that other programs delivered, whose
// names tell no size.
func TestForeignMaildirKeepsTheRulesOfAStore(t *testing.T) {
	t.Parallel()
	pop3test.TestStore(t, func(t *testing.T) pop3test.Fixture {
		root := t.TempDir()
		for _, dir := range []string{"tmp", "new", "cur"} {
			require.NoError(t, os.MkdirAll(filepath.Join(root, "example.org", "alice", dir), 0o700))
		}
		folder := func(id *auth.Identity) string { return "example.org/" + id.Name }
		n := 1_700_000_000
		return pop3test.Fixture{
			Store: &maildrop.Maildir{Root: root, Folder: folder}, User: alice, Other: bob,
			Deliver: func(message []byte) error {
				n++
				// A name too long for a unique-id, every other one in cur.
				name := fmt.Sprintf("%d.%s", n, strings.Repeat("host.", 20))
				dir := "new"
				if n%2 == 0 {
					dir, name = "cur", name+":2,S"
				}
				return os.WriteFile(filepath.Join(root, "example.org", "alice", dir, name), bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n")), 0o600)
			},
			Reopen: func() (pop3.Store, error) { return &maildrop.Maildir{Root: root, Folder: folder}, nil },
		}
	})
}

func TestMemoryKeepsTheRulesOfAStore(t *testing.T) {
	t.Parallel()
	pop3test.TestStore(t, func(*testing.T) pop3test.Fixture {
		s := new(maildrop.Memory)
		return pop3test.Fixture{Store: s, User: alice, Other: bob, Deliver: func(message []byte) error {
			s.Add("alice", message)
			return nil
		}}
	})
}

func openDrop(t *testing.T, s pop3.Store, id *auth.Identity) (pop3.Maildrop, []pop3.Info) {
	t.Helper()
	m, err := s.Open(t.Context(), id)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	list, err := m.List(t.Context())
	require.NoError(t, err)
	return m, list
}

func TestMessagesThatAMailReaderMoved(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := &maildrop.Maildir{Root: root}
	const n = 5
	for i := range n {
		_, err := s.Deliver(t.Context(), "alice", strings.NewReader(fmt.Sprintf("message %d\n", i)))
		require.NoError(t, err)
	}
	m, list := openDrop(t, s, alice)
	require.Len(t, list, n)
	in := func(parts ...string) string { return filepath.Join(append([]string{root, "alice"}, parts...)...) }
	moved, err := os.ReadDir(in("new"))
	require.NoError(t, err)
	for _, e := range moved {
		require.NoError(t, os.Rename(in("new", e.Name()), in("cur", e.Name()+":2,S")))
	}
	for i, info := range list {
		r, err := m.Message(t.Context(), info)
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("message %d\r\n", i), string(text))
		require.NoError(t, r.Close())
	}
	for _, e := range moved {
		require.NoError(t, os.Rename(in("cur", e.Name()+":2,S"), in("cur", e.Name()+":2,FS")))
	}
	require.NoError(t, os.Remove(in("cur", moved[0].Name()+":2,FS")))
	_, err = m.Message(t.Context(), list[0])
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, m.Commit(t.Context(), list[:3]))
	require.NoError(t, m.Close())
	_, again := openDrop(t, s, alice)
	require.Equal(t, list[3:], again)
}

// foreign makes alice's Maildir of files in cur, with "x" as their text.
func foreign(t *testing.T, names ...string) (s *maildrop.Maildir, cur string) {
	t.Helper()
	s = &maildrop.Maildir{Root: t.TempDir()}
	cur = filepath.Join(s.Root, "alice", "cur")
	require.NoError(t, os.MkdirAll(cur, 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(s.Root, "alice", "new"), 0o700))
	for _, name := range names {
		require.NoError(t, os.WriteFile(filepath.Join(cur, name), []byte("x"), 0o600))
	}
	return s, cur
}

// TestNoMessageInheritsAMark: a message is not removed for another that had its key,
// whatever happens meanwhile.
func TestNoMessageInheritsAMark(t *testing.T) {
	t.Parallel()
	for name, files := range map[string][]string{
		"listed":        {"1.a,S=1,U=1:2,", "1.a,S=1,U=2:2,", "2.moved:2,"},
		"saved by hand": {"Hello, Ann.eml:2,", "Hello, Bob.eml:2,", "moved:2,"},
		"delivered":     {"1.a,S=1,U=1:2,", "", "2.moved:2,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, cur := foreign(t, files[0], files[2])
			late := "1.a,S=1,U=3:2,"
			if files[1] != "" {
				late = files[1]
				require.NoError(t, os.WriteFile(filepath.Join(cur, late), []byte("x"), 0o600))
			}
			m, list := openDrop(t, s, alice)
			if files[1] == "" {
				require.NoError(t, os.WriteFile(filepath.Join(cur, late), []byte("x"), 0o600))
			}
			require.NoError(t, os.Remove(filepath.Join(cur, files[0])))
			require.NoError(t, os.Rename(filepath.Join(cur, files[2]), filepath.Join(cur, files[2]+"S")))
			r, err := m.Message(t.Context(), list[len(list)-1])
			require.NoError(t, err)
			require.NoError(t, r.Close())
			err = m.Commit(t.Context(), list[:1])
			if files[1] == "" {
				// It might be the same, by a new name: that is not called a success.
				var replaced *maildir.ReplacedError
				require.ErrorAs(t, err, &replaced)
			} else {
				require.NoError(t, err)
			}
			require.FileExists(t, filepath.Join(cur, late))
		})
	}
}

// TestRenamedBeforeTheColon: another program adds fields to the names of files after
// they were listed. Nothing is said to be removed that is there still, and the next
// session removes it, by the same unique-id.
func TestRenamedBeforeTheColon(t *testing.T) {
	t.Parallel()
	for name, removal := range map[string]maildrop.Removal{"Expunge": maildrop.Expunge, "MoveToTrash": maildrop.MoveToTrash} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, cur := foreign(t, "1.a:2,", "2.b:2,", "3.c:2,")
			s.Removal = removal
			m, list := openDrop(t, s, alice)
			require.NoError(t, os.Rename(filepath.Join(cur, "2.b:2,"), filepath.Join(cur, "2.b,S=1,W=3:2,S")))
			require.NoError(t, os.Rename(filepath.Join(cur, "3.c:2,"), filepath.Join(cur, "3.c:2,S")))
			_, err := m.Message(t.Context(), list[1])
			require.ErrorIs(t, err, fs.ErrNotExist)
			err = m.Commit(t.Context(), list)
			require.Equal(t, &maildir.ReplacedError{Key: "2.b", Name: "2.b,S=1,W=3:2,S"}, err)
			require.NoError(t, m.Close())

			m, again := openDrop(t, s, alice)
			require.Equal(t, list[1:2], again, "the others are gone")
			require.NoError(t, m.Commit(t.Context(), again))
			require.NoError(t, m.Close())
			_, left := openDrop(t, s, alice)
			require.Empty(t, left)
		})
	}
}

// TestKeyThatReturns: a file with the key of one that is gone, and another size, is not
// taken for it: neither read nor removed in its place.
func TestKeyThatReturns(t *testing.T) {
	t.Parallel()
	s, cur := foreign(t, "1.a,S=1:2,")
	m, list := openDrop(t, s, alice)
	require.NoError(t, os.Remove(filepath.Join(cur, "1.a,S=1:2,")))
	other := filepath.Join(cur, "1.a,S=9:2,")
	require.NoError(t, os.WriteFile(other, []byte("x\nanother"), 0o600))
	_, err := m.Message(t.Context(), list[0])
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, m.Commit(t.Context(), list), fs.ErrNotExist)
	require.FileExists(t, other)
}

// TestWrongSizeInANameIsFoundOut: IMAP servers store a message whose last line has no
// end, and tell its size so.
func TestWrongSizeInANameIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, fetch := range map[string]func(io.Reader) error{
		"written": func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
		"read":    func(r io.Reader) error { _, err := io.ReadAll(r); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := foreign(t, "1.a,S=1,W=1:2,", "2.b,W=4:2,", "3.c,S=1,W=3:2,", "4.d,S=1,W=99:2,")
			for _, want := range [][]int64{{1, 4, 3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}} {
				m, list := openDrop(t, s, alice)
				var got []int64
				for _, info := range list {
					got = append(got, info.Size)
					r, err := m.Message(t.Context(), info)
					require.NoError(t, err)
					require.NoError(t, fetch(r))
					require.NoError(t, r.Close())
				}
				require.Equal(t, want, got)
				require.NoError(t, m.Close())
			}
		})
	}
}

// TestRestoredTwice: a copy that was played back beside a message is deleted with it.
func TestRestoredTwice(t *testing.T) {
	t.Parallel()
	s, cur := foreign(t, "1.a:2,S", "2.b:2,")
	require.NoError(t, os.WriteFile(filepath.Join(cur, "..", "new", "1.a"), []byte("x"), 0o600))
	for range 2 { // read, and remembered
		settle(t, s)
		m, list := openDrop(t, s, alice)
		require.Len(t, list, 2)
		require.NoError(t, m.Close())
	}
	remove(t, s, 0)
	m, list := openDrop(t, s, alice)
	require.Len(t, list, 1)
	require.Equal(t, "2.b", list[0].UID)
	require.NoError(t, m.Close())
}

func TestNamesAreConfined(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "root")
	require.NoError(t, os.Mkdir(root, 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(root, "..", "outside"), 0o700))
	require.NoError(t, os.Symlink("../outside", filepath.Join(root, "link")))
	s := &maildrop.Maildir{Root: root}
	for _, name := range []string{
		"", ".", "..", "../outside", "a/b", `a\b`, "/etc", ".hidden", "a\x00b", "a\nb", "x:2,S", strings.Repeat("x", 256), "\xff", "a\u0085",
	} {
		_, err := s.Open(t.Context(), &auth.Identity{Name: name})
		var bad *maildrop.NameError
		require.ErrorAs(t, err, &bad, "%q", name)
		require.Equal(t, name, bad.Name)
		var reply *pop3.Error
		require.ErrorAs(t, err, &reply)
		require.Equal(t, pop3.CodeSysPerm, reply.Code)
		_, err = s.Deliver(t.Context(), name, strings.NewReader("x"))
		require.ErrorAs(t, err, &bad, "%q", name)
	}
	s.Folder = func(id *auth.Identity) string { return id.Name }
	for _, name := range []string{"", "a/", "/a", "a//b", "a/../b", "../outside", "a/.b", "."} {
		_, err := s.Deliver(t.Context(), name, strings.NewReader("x"))
		var bad *maildrop.NameError
		require.ErrorAs(t, err, &bad, "%q", name)
	}
	_, err := s.Deliver(t.Context(), "link", strings.NewReader("x"))
	require.Error(t, err)
	_, err = s.Open(t.Context(), &auth.Identity{Name: "link"})
	require.Error(t, err)
	left, err := os.ReadDir(filepath.Join(root, "..", "outside"))
	require.NoError(t, err)
	require.Empty(t, left)
	for _, name := range []string{"alice", "alice@example.org", "Jürgen", "CON", "a․․b", "-oQ"} {
		_, err := s.Deliver(t.Context(), name, strings.NewReader("x"))
		require.NoError(t, err, "%q", name)
	}
}

func TestMaildirThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := &maildrop.Maildir{Root: t.TempDir()}
	m, list := openDrop(t, s, alice)
	require.Empty(t, list)
	require.NoError(t, m.Commit(t.Context(), nil))
	require.NoDirExists(t, filepath.Join(s.Root, "alice"), "reading makes no folders")
	require.NoError(t, m.Close())

	s = &maildrop.Maildir{Root: filepath.Join(s.Root, "missing")}
	for range 2 {
		_, err := s.Open(t.Context(), alice)
		require.ErrorIs(t, err, fs.ErrNotExist, "an empty maildrop would have clients forget what they have")
	}
}

// TestMoreMessagesThanAreShown: the first ones are, and the others when these are
// deleted, whatever that means.
func TestMoreMessagesThanAreShown(t *testing.T) {
	t.Parallel()
	for _, removal := range []maildrop.Removal{maildrop.Expunge, maildrop.Hide, maildrop.MoveToTrash} {
		s := &maildrop.Maildir{Root: t.TempDir(), MaxMessages: 2, Removal: removal}
		want := []string{"1\r\n", "2\r\n", "3\r\n", "4\r\n", "5\r\n"}
		for _, text := range want {
			_, err := s.Deliver(t.Context(), "alice", strings.NewReader(text))
			require.NoError(t, err)
		}
		for len(want) > 0 {
			m, infos := openDrop(t, s, alice)
			n := min(2, len(want))
			require.Len(t, infos, n)
			for i, info := range infos {
				r, err := m.Message(t.Context(), info)
				require.NoError(t, err)
				text, err := io.ReadAll(r)
				require.NoError(t, err)
				require.Equal(t, want[i], string(text))
				require.NoError(t, r.Close())
			}
			require.NoError(t, m.Commit(t.Context(), infos))
			require.NoError(t, m.Close())
			want = want[n:]
		}
	}
}

// TestOldDeliveriesAreRemoved: those that died, and no younger ones.
func TestOldDeliveriesAreRemoved(t *testing.T) {
	t.Parallel()
	s := &maildrop.Maildir{Root: t.TempDir()}
	_, err := s.Deliver(t.Context(), "alice", strings.NewReader("x"))
	require.NoError(t, err)
	tmp := filepath.Join(s.Root, "alice", "tmp")
	for name, age := range map[string]time.Duration{"dead": 37 * time.Hour, "young": 35 * time.Hour} {
		require.NoError(t, os.WriteFile(filepath.Join(tmp, name), nil, 0o600))
		written := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(filepath.Join(tmp, name), written, written))
	}
	m, infos := openDrop(t, s, alice)
	require.Len(t, infos, 1)
	require.NoError(t, m.Close())
	require.NoFileExists(t, filepath.Join(tmp, "dead"))
	require.FileExists(t, filepath.Join(tmp, "young"))
}

func TestMemoryMessages(t *testing.T) {
	t.Parallel()
	s := new(maildrop.Memory)
	require.Empty(t, s.Messages("alice"))
	given := []byte("a\nb\rc\r\nd")
	s.Add("alice", given)
	given[0] = 'x'
	s.Add("alice", nil)
	require.Equal(t, [][]byte{[]byte("a\r\nb\rc\r\nd\r\n"), nil}, s.Messages("alice"))
	require.NotEqual(t, s.Add("alice", nil), new(maildrop.Memory).Add("alice", nil))
}

// BenchmarkLogin10000 opens and lists a maildrop of 10,000 messages that has been left
// alone for a while.
func BenchmarkLogin10000(b *testing.B) {
	root := b.TempDir()
	for _, dir := range []string{"tmp", "new", "cur"} {
		require.NoError(b, os.MkdirAll(filepath.Join(root, "alice", dir), 0o700))
	}
	for i := range 10_000 {
		name := fmt.Sprintf("17000%05d.M%dP1Q1R0123456789abcdef.host,S=5,W=6:2,S", i, i)
		require.NoError(b, os.WriteFile(filepath.Join(root, "alice", "cur", name), []byte("mail\n"), 0o600))
	}
	old := time.Now().Add(-time.Hour)
	require.NoError(b, os.Chtimes(filepath.Join(root, "alice", "cur"), old, old))
	s := &maildrop.Maildir{Root: root}
	b.ReportAllocs()
	for b.Loop() {
		m, err := s.Open(b.Context(), alice)
		require.NoError(b, err)
		list, err := m.List(b.Context())
		require.NoError(b, err)
		require.Len(b, list, 10_000)
		require.NoError(b, m.Close())
	}
}

func BenchmarkDeliver1K(b *testing.B) {
	s := &maildrop.Maildir{Root: b.TempDir()}
	message := []byte(strings.Repeat(strings.Repeat("x", 62)+"\r\n", 16))
	for b.Loop() {
		if _, err := s.Deliver(b.Context(), "alice", bytes.NewReader(message)); err != nil {
			b.Fatal(err)
		}
	}
}

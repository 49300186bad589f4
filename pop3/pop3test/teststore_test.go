package pop3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

func identity(name string) *auth.Identity { return &auth.Identity{User: name, Name: name} }

// fixture tests s; Deliver goes to under, which is s or what s is made of.
func fixture(s pop3.Store, under *Store) Fixture {
	return Fixture{
		Store:   s,
		User:    identity("user"),
		Other:   identity("other"),
		Deliver: func(message []byte) error { under.Deliver("user", message); return nil },
		Reopen:  func() (pop3.Store, error) { return s, nil },
	}
}

func TestStoreInMemory(t *testing.T) {
	t.Parallel()
	TestStore(t, func(*testing.T) Fixture {
		s := new(Store)
		return fixture(s, s)
	})
}

// bent is a Store with one fault.
type bent struct {
	*Store
	open    func(b *bent, id *auth.Identity) (pop3.Maildrop, error)
	list    func(b *bent, list []pop3.Info) []pop3.Info
	message func(b *bent, d *bentDrop, info pop3.Info) (io.ReadCloser, error)
	commit  func(b *bent, d *bentDrop, deleted []pop3.Info) []pop3.Info
	close   func(d *bentDrop)
	yield   func(d *bentDrop)
	resume  func(d *bentDrop) error
	count   int
}

type bentDrop struct {
	*session
	bent *bent
}

func (b *bent) Open(ctx context.Context, id *auth.Identity) (pop3.Maildrop, error) {
	if b.open != nil {
		return b.open(b, id)
	}
	return b.enter(ctx, id)
}

func (b *bent) enter(ctx context.Context, id *auth.Identity) (pop3.Maildrop, error) {
	m, err := b.Store.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return &bentDrop{m.(*session), b}, nil
}

// unlock lets others in while the session is open.
func (b *bent) unlock(id *auth.Identity) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.box(id.Name).holder = nil
}

func (d *bentDrop) List(ctx context.Context) ([]pop3.Info, error) {
	list, err := d.session.List(ctx)
	if d.bent.list != nil {
		list = d.bent.list(d.bent, list)
	}
	return list, err
}

func (d *bentDrop) Message(ctx context.Context, info pop3.Info) (io.ReadCloser, error) {
	if d.bent.message != nil {
		return d.bent.message(d.bent, d, info)
	}
	return d.session.Message(ctx, info)
}

func (d *bentDrop) Commit(ctx context.Context, deleted []pop3.Info) error {
	if d.bent.commit != nil {
		deleted = d.bent.commit(d.bent, d, deleted)
	}
	return d.session.Commit(ctx, deleted)
}

func (d *bentDrop) Close() error {
	if d.bent.close != nil {
		d.bent.close(d)
	}
	return d.session.Close()
}

func (d *bentDrop) Yield() {
	d.session.Yield()
	if d.bent.yield != nil {
		d.bent.yield(d)
	}
}

func (d *bentDrop) Resume(ctx context.Context) error {
	if d.bent.resume != nil {
		return d.bent.resume(d)
	}
	return d.session.Resume(ctx)
}

// rewrite makes Message deliver something else.
func rewrite(f func(text []byte) []byte) func(*bent, *bentDrop, pop3.Info) (io.ReadCloser, error) {
	return func(_ *bent, d *bentDrop, info pop3.Info) (io.ReadCloser, error) {
		r, err := d.session.Message(context.Background(), info)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(r)
		return reader{bytes.NewReader(f(text))}, err
	}
}

// renamed gives messages other unique-ids, by their place in the list.
func renamed(name func(b *bent, i int, info pop3.Info) string) func(*bent, []pop3.Info) []pop3.Info {
	return func(b *bent, list []pop3.Info) []pop3.Info {
		b.count++
		for i := range list {
			list[i].UID = name(b, i, list[i])
		}
		return list
	}
}

// TestRulesAreBrokenBy has a store for each rule that breaks it: a suite that
// did not notice would be of no use.
func TestRulesAreBrokenBy(t *testing.T) {
	t.Parallel()
	empty := reader{bytes.NewReader(nil)}
	for _, tc := range []struct {
		name   string
		breaks string // the rules that must notice, separated by blanks
		bend   func(b *bent)
	}{
		{"a ghost", "Empty", func(b *bent) {
			b.list = func(_ *bent, l []pop3.Info) []pop3.Info { return append(l, pop3.Info{UID: "ghost"}) }
		}},
		{"the newest first", "Content", func(b *bent) {
			b.list = func(_ *bent, l []pop3.Info) []pop3.Info { slices.Reverse(l); return l }
		}},
		{"LF for CRLF", "Content Size FinalCRLF", func(b *bent) {
			b.message = rewrite(func(t []byte) []byte { return bytes.ReplaceAll(t, []byte("\r\n"), []byte("\n")) })
		}},
		{"stuffed dots", "Content Size", func(b *bent) {
			b.message = rewrite(func(t []byte) []byte { return bytes.ReplaceAll(t, []byte("\n."), []byte("\n..")) })
		}},
		{"a size without the last line end", "Size", func(b *bent) {
			b.list = func(_ *bent, l []pop3.Info) []pop3.Info {
				for i := range l {
					l[i].Size -= 2
				}
				return l
			}
		}},
		{"no line end added", "FinalCRLF", func(b *bent) {
			b.message = rewrite(func(t []byte) []byte { return bytes.ReplaceAll(t, []byte("line\r\n"), []byte("line")) })
		}},
		{"messages that can be read once", "ReadAgain", func(b *bent) {
			read := map[string]bool{}
			b.message = func(_ *bent, d *bentDrop, info pop3.Info) (io.ReadCloser, error) {
				if read[info.UID] {
					return nil, errors.New("gone")
				}
				read[info.UID] = true
				return d.session.Message(context.Background(), info)
			}
		}},
		{"any message that is asked for", "Unlisted", func(b *bent) {
			b.message = func(*bent, *bentDrop, pop3.Info) (io.ReadCloser, error) { return empty, nil }
		}},
		{"unique-ids too long", "UIDs", func(b *bent) {
			b.list = renamed(func(_ *bent, _ int, info pop3.Info) string { return strings.Repeat("x", 70) + info.UID })
		}},
		{"unique-ids by content", "UIDs", func(b *bent) {
			b.list = renamed(func(_ *bent, _ int, info pop3.Info) string { return fmt.Sprint("size-", info.Size) })
		}},
		{"unique-ids by place", "StableUIDs NoReuse", func(b *bent) {
			b.list = renamed(func(b *bent, i int, _ pop3.Info) string { return fmt.Sprint(i + min(b.count, 2)) })
		}},
		{"unique-ids by session", "StableUIDs", func(b *bent) {
			b.list = renamed(func(b *bent, _ int, info pop3.Info) string { return fmt.Sprint(b.count, "-", info.UID) })
		}},
		{"unique-ids used again", "NoReuse", func(b *bent) {
			b.list = renamed(func(_ *bent, i int, _ pop3.Info) string { return fmt.Sprint("n", i) })
		}},
		{"one deletion too many", "Commit", func(b *bent) {
			b.commit = func(_ *bent, d *bentDrop, deleted []pop3.Info) []pop3.Info {
				all, _ := d.session.List(context.Background())
				if i := slices.Index(all, slices.Concat(deleted, all)[0]); len(deleted) > 0 && i+1 < len(all) {
					deleted = append(slices.Clip(deleted), all[i+1])
				}
				return deleted
			}
		}},
		{"no deletions", "Commit CommitAll NoReuse Reopen", func(b *bent) {
			b.commit = func(*bent, *bentDrop, []pop3.Info) []pop3.Info { return nil }
		}},
		{"all deleted for nothing", "CommitNothing", func(b *bent) {
			b.commit = func(_ *bent, d *bentDrop, deleted []pop3.Info) []pop3.Info {
				if len(deleted) == 0 {
					deleted, _ = d.session.List(context.Background())
				}
				return deleted
			}
		}},
		{"deleted messages that can be read", "Gone", func(b *bent) {
			b.message = func(b *bent, d *bentDrop, info pop3.Info) (io.ReadCloser, error) {
				return reader{bytes.NewReader(letters()[0])}, nil
			}
		}},
		{"Close deletes", "CloseOnly", func(b *bent) {
			b.close = func(d *bentDrop) {
				all, _ := d.session.List(context.Background())
				_ = d.session.Commit(context.Background(), all)
			}
		}},
		{"no snapshot", "NewMail", func(b *bent) {
			b.commit = func(_ *bent, d *bentDrop, deleted []pop3.Info) []pop3.Info {
				for _, m := range d.box.messages[len(d.messages):] {
					deleted = append(slices.Clip(deleted), pop3.Info{UID: m.uid})
				}
				return deleted
			}
		}},
		{"a lock without its name", "OpenTwice", func(b *bent) {
			b.open = func(b *bent, id *auth.Identity) (pop3.Maildrop, error) {
				m, err := b.enter(context.Background(), id)
				if err != nil {
					err = errors.New("busy")
				}
				return m, err
			}
		}},
		{"three sessions and no more", "Race", func(b *bent) {
			b.open = func(b *bent, id *auth.Identity) (pop3.Maildrop, error) {
				b.mu.Lock()
				b.count++
				worn := b.count > 3
				b.mu.Unlock()
				if worn {
					return nil, errors.New("worn out")
				}
				return b.enter(context.Background(), id)
			}
		}},
		{"what another session deleted reads as nothing", "Whole", func(b *bent) {
			b.open = func(b *bent, id *auth.Identity) (pop3.Maildrop, error) {
				m, err := b.enter(context.Background(), id)
				b.unlock(id)
				return m, err
			}
			b.message = func(b *bent, d *bentDrop, info pop3.Info) (io.ReadCloser, error) {
				b.mu.Lock()
				defer b.mu.Unlock()
				for _, m := range d.box.messages {
					if m.uid == info.UID {
						return reader{bytes.NewReader(m.text)}, nil
					}
				}
				return empty, nil
			}
		}},
		{"a lock that is lost", "OpenAgain", func(b *bent) {
			b.open = func(b *bent, id *auth.Identity) (pop3.Maildrop, error) {
				if b.count++; b.count > 2 {
					return nil, pop3.ErrInUse
				}
				return b.enter(context.Background(), id)
			}
		}},
		{"a yield that is the end", "Yield", func(b *bent) {
			b.yield = func(d *bentDrop) { _ = d.session.Close() }
		}},
		{"a yield that deletes", "Yield", func(b *bent) {
			b.yield = func(d *bentDrop) {
				_ = d.session.Commit(context.Background(), []pop3.Info{{UID: d.messages[len(d.messages)-1].uid}})
			}
		}},
		{"no yield", "TakeOver", func(b *bent) {
			b.yield = func(d *bentDrop) { _ = d.session.Resume(context.Background()) }
		}},
		{"a Resume that always succeeds", "TakeOver", func(b *bent) {
			b.resume = func(*bentDrop) error { return nil }
		}},
		{"a Resume that forgets", "TakeOver", func(b *bent) {
			b.resume = func(d *bentDrop) error {
				d.store.mu.Lock()
				defer d.store.mu.Unlock()
				if d.box.holder != nil && d.box.holder != d.session {
					return pop3.ErrInUse
				}
				return nil
			}
		}},
		{"a Close that lets go of another's", "LateClose", func(b *bent) {
			b.close = func(d *bentDrop) { d.bent.unlock(identity("user")) }
		}},
		{"UTF8 in the body", "UTF8", func(b *bent) {
			b.list = func(_ *bent, l []pop3.Info) []pop3.Info {
				for i := range l {
					l[i].UTF8 = i > 0
				}
				return l
			}
		}},
		{"one maildrop for all", "Users", func(b *bent) {
			b.open = func(b *bent, _ *auth.Identity) (pop3.Maildrop, error) {
				m, err := b.enter(context.Background(), identity("user"))
				b.unlock(identity("user"))
				return m, err
			}
		}},
		{"a hundred messages at most", "Many", func(b *bent) {
			b.list = func(_ *bent, l []pop3.Info) []pop3.Info { return l[:min(100, len(l))] }
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range strings.Fields(tc.breaks) {
				i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
				require.GreaterOrEqual(t, i, 0, "no rule %s", name)
				b := &bent{Store: new(Store)}
				tc.bend(b)
				err := rules[i].check(t.Context(), fixture(b, b.Store))
				require.Error(t, err, "%s did not notice", name)
			}
		})
	}
}

func TestReopenIsCheckedAnew(t *testing.T) {
	t.Parallel()
	s := new(Store)
	f := fixture(s, s)
	f.Reopen = func() (pop3.Store, error) { return new(Store), nil } // all forgotten
	require.ErrorContains(t, checkReopen(t.Context(), f), "after the program was started anew")
	f.Reopen = nil
	require.NoError(t, checkReopen(t.Context(), f))
}

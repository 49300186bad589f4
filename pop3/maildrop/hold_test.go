package maildrop_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// yieldStores are stores in pairs that have the same mail: for a Maildir they are as
// two processes.
func yieldStores(t *testing.T) map[string][2]pop3.Store {
	root := t.TempDir()
	one, other := &maildrop.Maildir{Root: root}, &maildrop.Maildir{Root: root}
	memory := new(maildrop.Memory)
	for _, text := range []string{"a\n", "b\n"} {
		_, err := one.Deliver(t.Context(), "alice", strings.NewReader(text))
		require.NoError(t, err)
		memory.Add("alice", []byte(text))
	}
	return map[string][2]pop3.Store{"Maildir": {one, one}, "processes": {one, other}, "Memory": {memory, memory}}
}

func TestHold(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-4-4")
	for name, stores := range yieldStores(t) {
		t.Run(name, func(t *testing.T) {
			one, other := stores[0], stores[1]
			open := func(s pop3.Store) (pop3.Yielder, error) {
				m, err := s.Open(t.Context(), alice)
				if err != nil {
					return nil, err
				}
				_, err = m.List(t.Context())
				require.NoError(t, err)
				return m.(pop3.Yielder), nil
			}
			first, err := open(one)
			require.NoError(t, err)
			for range 2 {
				_, err = open(other)
				require.ErrorIs(t, err, pop3.ErrInUse)
			}
			require.NoError(t, first.Resume(t.Context()), "it was held all the time")

			first.Yield()
			require.NoError(t, first.Resume(t.Context()))
			_, err = open(other)
			require.ErrorIs(t, err, pop3.ErrInUse)

			first.Yield()
			second, err := open(other)
			require.NoError(t, err)
			require.ErrorIs(t, first.Resume(t.Context()), pop3.ErrInUse)
			_, err = open(one)
			require.ErrorIs(t, err, pop3.ErrInUse)
			require.NoError(t, first.Close())
			_, err = open(one)
			require.ErrorIs(t, err, pop3.ErrInUse, "who lost it frees nothing")
			second.Yield()
			require.NoError(t, second.Resume(t.Context()))
			require.NoError(t, second.Commit(t.Context(), nil))
			require.NoError(t, second.Close())

			third, err := open(one)
			require.NoError(t, err)
			third.Yield()
			fourth, err := open(other)
			require.NoError(t, err)
			require.NoError(t, fourth.Close())
			require.ErrorIs(t, third.Resume(t.Context()), pop3.ErrInUse, "another one came and went")
			require.NoError(t, third.Close())
			last, err := open(one)
			require.NoError(t, err)
			last.Yield()
			require.NoError(t, last.Close())
			last, err = open(other)
			require.NoError(t, err)
			require.NoError(t, last.Close())
		})
	}
}

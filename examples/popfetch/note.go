package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// fetched is what is remembered of a message that was delivered.
type fetched struct {
	size  int64 // that the server tells
	exact bool  // and that it had
}

// note remembers what was fetched, by unique-id, from one run to the next: in a file of the
// Maildir for each maildrop, since two may have the same unique-ids.
type note struct {
	dir  *maildir.Dir
	name string
}

func (o *options) note(dir *maildir.Dir) note {
	return note{dir, fmt.Sprintf("popfetch-%x", sha256.Sum256([]byte(o.addr+"\x00"+o.user)))}
}

// load reads the note, one line for each message.
func (n note) load() (map[string]fetched, error) {
	here := map[string]fetched{}
	if n.dir == nil {
		return here, nil
	}
	text, err := n.dir.Load(n.name)
	if errors.Is(err, fs.ErrNotExist) {
		return here, nil
	}
	for line := range strings.Lines(string(text)) {
		size, uid, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		octets, err := strconv.ParseInt(size, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
		here[uid] = fetched{octets, true}
	}
	return here, err
}

// save writes the note, also when the run was interrupted: what it forgets is fetched
// again.
func (n note) save(ctx context.Context, here map[string]fetched) error {
	if n.dir == nil {
		return nil
	}
	var text strings.Builder
	for uid, m := range here {
		fmt.Fprintln(&text, m.size, uid)
	}
	return n.dir.Save(context.WithoutCancel(ctx), n.name, []byte(text.String()))
}

// sort tells what is to be fetched from what is here, and forgets what the server has no
// more. Only a unique-id that no other message has, with the size it had before, says that
// a message is here.
func (s *session) sort(entries []pop3.Entry) (known map[int]pop3.Entry, nums, here []int) {
	known = map[int]pop3.Entry{}
	count := map[string]int{"": 2}
	for _, e := range entries {
		known[e.Num] = e
		count[e.UID]++
	}
	for uid := range s.here {
		if count[uid] != 1 {
			delete(s.here, uid)
		}
	}
	for _, e := range entries {
		if m, ok := s.here[e.UID]; ok && m.size == e.Size {
			here = append(here, e.Num)
		} else {
			nums = append(nums, e.Num)
		}
	}
	return known, nums, here
}

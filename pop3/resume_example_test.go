package pop3_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// fetchNew brings the messages that are not in dir yet, and leaves all of them on the
// server. It remembers their unique-ids in a file of dir: one for each maildrop, since
// two may use the same. A crash costs no more than to bring one message again.
func fetchNew(ctx context.Context, c *pop3.Client, dir *maildir.Dir, account string) error {
	name := "fetched-" + account
	note, err := dir.Load(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	here := map[string]bool{}
	for uid := range strings.Lines(string(note)) {
		here[strings.TrimSuffix(uid, "\n")] = true
	}
	entries, err := c.Index(ctx)
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, e := range entries {
		count[e.UID]++
	}
	var nums []int
	var kept strings.Builder // those that the server has no more are forgotten
	uids := map[int]string{}
	for _, e := range entries {
		switch {
		case e.UID == "" || count[e.UID] > 1: // a server that does not tell messages apart
			nums = append(nums, e.Num)
		case here[e.UID]:
			fmt.Fprintln(&kept, e.UID)
		default:
			nums, uids[e.Num] = append(nums, e.Num), e.UID
		}
	}
	for m, err := range c.Fetch(ctx, nums) {
		if err != nil {
			return err
		}
		if _, err := dir.Deliver(ctx, m); err != nil { // also when it did not come whole
			return err
		}
		if uid, ok := uids[m.Num]; ok {
			fmt.Fprintln(&kept, uid)
			if err := dir.Save(ctx, name, []byte(kept.String())); err != nil {
				return err
			}
		}
	}
	return nil
}

// A reader that leaves its mail on the server, and goes on where it was.
func Example_leaveOnServer() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "maildir")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	dir, err := maildir.Open(filepath.Join(folder, "Maildir"))
	if err != nil {
		log.Fatal(err)
	}
	defer dir.Close()
	for range 2 {
		c, stop := exampleClient(ctx)
		if err := errors.Join(fetchNew(ctx, c, dir, "alice"), c.Quit(ctx)); err != nil {
			log.Print(err)
		}
		stop()
		entries, err := dir.List(ctx)
		fmt.Println(len(entries), "messages", err)
	}
	// Output:
	// 2 messages <nil>
	// 2 messages <nil>
}

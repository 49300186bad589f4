package peers

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/posthouse/posthouse/internal/bench/load"
)

// Mailbox is a Maildir of messages that are all alike.
type Mailbox struct {
	User     string
	Messages int
	Size     int // octets of each, about
}

// Wire returns how many octets of a message are on the wire behind the status.
func (m Mailbox) Wire() int { return len(load.Stuffed(load.Message(m.Size, false))) }

// Octets returns the size of all messages.
func (m Mailbox) Octets() int { return m.Messages * len(load.Message(m.Size, false)) }

// Make makes the Maildir beneath root. The messages are in cur, with their
// sizes in their names, so that no server has to move or to open them before
// they are asked for.
func (m Mailbox) Make(root string) error {
	dir := filepath.Join(root, m.User)
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	wire := load.Message(m.Size, false)
	disk := bytes.ReplaceAll(wire, []byte("\r\n"), []byte("\n"))
	for i := range m.Messages {
		name := fmt.Sprintf("%d.M%06dP1Q%d.bench,S=%d,W=%d:2,", 1_700_000_000+i, i, i, len(disk), len(wire))
		if err := os.WriteFile(filepath.Join(dir, "cur", name), disk, 0o600); err != nil {
			return err
		}
	}
	return nil
}

package peers

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// Mpop is the name of the POP3 client beside ours.
const Mpop = "mpop"

// Many is the maildrop that the clients fetch.
var Many = Mailbox{User: "many", Messages: 1000, Size: 10_000}

// POP3Clients are the names of the clients on this machine, ours first.
func POP3Clients() []string {
	names := []string{Posthouse}
	if installed(Mpop) {
		names = append(names, Mpop)
	}
	return names
}

// StartPOP3Client starts a client that keeps nothing of what it fetches, or as
// little as it can.
func StartPOP3Client(ctx context.Context, name string) (Client, error) {
	if name == Mpop {
		return tool{"mpop", mpopArgs}, nil
	}
	return startClient(ctx, "pop3-client", name)
}

// retrieveAll fetches the maildrop that Many is.
func retrieveAll(job Job) error {
	ctx := context.Background()
	c, err := pop3.Dial(ctx, job.Addr, &pop3.ClientConfig{
		TLS:  pop3.InsecureNoTLS,
		Auth: auth.InsecurePassword(Many.User, Password),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	list, err := c.List(ctx)
	if err != nil {
		return err
	}
	var nums []int
	for _, m := range list {
		nums = append(nums, m.Num)
	}
	fetched := 0
	for m, err := range c.Fetch(ctx, nums) {
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, m); err != nil {
			return err
		}
		fetched++
	}
	if fetched != job.Messages {
		return fmt.Errorf("%d messages fetched, not %d", fetched, job.Messages)
	}
	return c.Quit(ctx)
}

// mpopArgs has the messages delivered to an mbox that is nowhere.
func mpopArgs(job Job) []string {
	host, port, err := net.SplitHostPort(job.Addr)
	if err != nil {
		return nil
	}
	return []string{
		"--host=" + host, "--port=" + port, "--user=" + Many.User, "--passwordeval=echo " + Password, "--auth=user",
		"--tls=off", "--keep=on", "--only-new=off", "--uidls-file=/dev/null", "--delivery=mbox,/dev/null", "--quiet",
	}
}

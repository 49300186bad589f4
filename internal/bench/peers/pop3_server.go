package peers

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/bench/proc"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// Dovecot is the name of the POP3 server beside ours.
const Dovecot = "dovecot"

// Password is that of every user.
const Password = "secret"

// takeOverAfter is how long an idle session keeps its lock open: not for long, since
// there may be more sessions than half of what a machine has descriptors for.
const takeOverAfter = 2 * time.Second

// anybody lets everybody in who knows the Password.
type anybody struct{}

func (anybody) VerifyPassword(_ context.Context, _, password string) error {
	if password != Password {
		return auth.ErrCredentials
	}
	return nil
}

func servePOP3(ln net.Listener, root string) {
	srv := &pop3.Server{
		Hostname:        "bench.example.test",
		Store:           &maildrop.Maildir{Root: root},
		Auth:            &auth.Server{Passwords: anybody{}, InsecureAllowCleartext: true},
		MaxConns:        maxConns,
		MaxConnsPerAddr: maxConns,
		TakeOverAfter:   takeOverAfter,
	}
	srv.Serve(ln)
}

// StartPOP3Server starts a server of the Maildirs beneath root, one a user.
func StartPOP3Server(ctx context.Context, name, root string) (*Server, error) {
	if name == Dovecot {
		return startDovecot(ctx, root)
	}
	return startServer(ctx, "pop3-server", name, root)
}

// HasDovecot reports whether Dovecot is on this machine.
func HasDovecot() bool { return installed("dovecot") }

// dovecotConf is a configuration with nothing in it that could be left out: a
// process for each session, and login processes that are used again, as is
// Dovecot's default.
const dovecotConf = `
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
instance_name = bench
protocols = pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:%[2]s/%%n
mail_uid = nobody
mail_gid = nogroup
auth_mechanisms = plain
passdb {
  driver = static
  args = password=%[3]s
}
userdb {
  driver = static
  args = home=%[2]s/%%n
}
service pop3-login {
  inet_listener pop3 {
    port = %[4]s
  }
  inet_listener pop3s {
    port = 0
  }
}
`

// startDovecot needs to be root, as Dovecot does.
func startDovecot(ctx context.Context, root string) (*Server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, ".dovecot")
	for _, sub := range []string{"run", "state"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	conf := filepath.Join(dir, "dovecot.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, dovecotConf, dir, root, Password, port), 0o644); err != nil {
		return nil, err
	}
	// Its mail processes have rights of their own, and reach the Maildirs by them.
	if output, err := exec.Command("chown", "-R", "nobody:nogroup", root).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("chown: %w: %s", err, output)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		return nil, err
	}
	p, err := proc.Start(ctx, nil, "dovecot", "-F", "-c", conf)
	if err != nil {
		return nil, err
	}
	return listening(&Server{Process: p, Addr: addr})
}

// Version returns what a program answers when it is asked for its version.
func Version(name string, args ...string) string {
	output, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(output), "\n")
	return first
}

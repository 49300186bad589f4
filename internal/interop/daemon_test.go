package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// daemon is a server program. The first test that asks for it starts it, in a folder of
// its own and on free ports, and TestMain ends it.
//
// Its users are those in passwords, in the domain example.test. Each has a Maildir.
type daemon struct {
	name     string   // of the folder of its configuration in conf
	program  string   // its name, or its path below servers
	command  []string // to run it; what is in braces is filled in, as in its configuration
	services []string // what it listens for
	folders  []string // to be made
	owned    []string // to be made, and belong to
	owner    string   // as whom it runs once it has begun, if not as root
	mailer   string   // as whom it delivers
	sasl     bool     // it has Cyrus SASL verify
	relay    *daemon  // to whose service mx it hands on

	once     sync.Once
	err      error
	settings settings
	cert     certificate
	said     said
	end      func() // nil unless it runs
}

// settings are what the configuration of a daemon is told.
type settings struct {
	Dir, Mail     string // its folder, and that of the Maildirs in there
	Cert, Key     string // files
	Program, Root string // its path, and the part of it before usr
	Relay         string // a port
	Ports         map[string]string
	UID, GID      int // whose the mail is
}

var passwords = map[string]string{"alice": "secret1", "bob": "secret2", "carol": "secret3"}

//go:embed conf
var conf embed.FS

// addr returns the address of a service, for which it starts the server if nobody has.
func (d *daemon) addr(t *testing.T, service string) string {
	t.Helper()
	d.start(t)
	return "localhost:" + d.settings.Ports[service]
}

// tls returns a configuration that trusts the server.
func (d *daemon) tls(t *testing.T) *tls.Config {
	t.Helper()
	d.start(t)
	return &tls.Config{RootCAs: d.cert.Pool}
}

// maildir returns the folder of a user's mail.
func (d *daemon) maildir(user string) string { return filepath.Join(d.settings.Mail, user) }

func (d *daemon) start(t *testing.T) {
	t.Helper()
	d.need(t)
	if d.relay != nil {
		d.relay.start(t)
	}
	d.once.Do(func() {
		if d.err = d.run(); d.err != nil {
			d.err = fmt.Errorf("%s: %w\n%s", d.name, d.err, d.log())
			d.stop()
		}
	})
	if d.err != nil {
		t.Fatal(d.err)
	}
}

// need skips the test where the server cannot be run.
func (d *daemon) need(t *testing.T) {
	t.Helper()
	need(t, "bash", "unshare")
	need(t, d.path())
	if d.sasl {
		need(t, "saslpasswd2")
	}
	if os.Getuid() != 0 {
		t.Skipf("%s is started by root alone", d.name)
	}
	if out, err := exec.Command("unshare", "--pid", "--fork", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("%s is kept in namespaces of its own, which cannot be had: %v, %s", d.name, err, out)
	}
}

// path returns the name of the program to run.
func (d *daemon) path() string {
	if !strings.Contains(d.program, "/") {
		return d.program
	}
	return filepath.Join("servers", d.program)
}

// run starts the server, and returns when it listens for all that it shall.
func (d *daemon) run() (err error) {
	s := &d.settings
	if s.Program, err = exec.LookPath(d.path()); err != nil {
		return err
	}
	if s.Program, err = filepath.Abs(s.Program); err != nil {
		return err
	}
	s.Root, _, _ = strings.Cut(s.Program, "/usr/")
	if s.Dir, err = os.MkdirTemp("", d.name); err != nil {
		return err
	}
	if err := d.furnish(); err != nil {
		return err
	}
	args := make([]string, len(d.command))
	for i, arg := range d.command {
		if args[i], err = s.fill(arg); err != nil {
			return err
		}
	}
	ended, err := d.keep(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errors.New("not in time"))
	defer cancel()
	for service, port := range s.Ports {
		if err := listens(ctx, ended, port); err != nil {
			return fmt.Errorf("no %s: %w", service, err)
		}
	}
	return nil
}

// keeper runs a program until that ends or the standard input does, then kills all that is
// left of it and removes its folder. It is the first process of a namespace, so
// that nothing can outlive it, and it sees to that whatever becomes of the tests.
const keeper = `folder=$1
shift
exec 3<&0
cat <&3 >/dev/null &
"$@" </dev/null 3<&- &
wait -n
kill -KILL -1
rm -rf "$folder"`

// keep starts the program under a keeper. The channel is closed when it has ended.
func (d *daemon) keep(program []string) (ended <-chan struct{}, err error) {
	args := append([]string{"--pid", "--fork", "--kill-child", "--mount", "bash", "-c", keeper, "keeper", d.settings.Dir}, program...)
	cmd := exec.Command("unshare", args...)
	cmd.Stdout, cmd.Stderr = &d.said, &d.said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	d.end = func() {
		_ = stdin.Close()
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		<-done
	}
	return done, nil
}

// log returns what the server has said, on its outputs and in a folder that it may have
// for that.
func (d *daemon) log() string {
	text := d.said.String()
	files, _ := filepath.Glob(filepath.Join(d.settings.Dir, "log", "*"))
	for _, file := range files {
		b, _ := os.ReadFile(file)
		text += string(b)
	}
	return text
}

// stop ends the server, with all its processes, and removes its folder.
func (d *daemon) stop() {
	if d.end != nil {
		d.end()
	}
	if d.settings.Dir != "" {
		_ = os.RemoveAll(d.settings.Dir)
	}
}

// furnish fills the folder with what the server wants to have there.
func (d *daemon) furnish() error {
	s := &d.settings
	s.Mail = filepath.Join(s.Dir, "mail")
	if err := os.Chmod(s.Dir, 0o755); err != nil { // for those as whom it runs
		return err
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "etc"), 0o755); err != nil {
		return err
	}
	if err := s.makeMaildirs(d.mailer); err != nil {
		return err
	}
	for _, folder := range d.folders {
		if err := os.Mkdir(filepath.Join(s.Dir, folder), 0o755); err != nil {
			return err
		}
	}
	for _, folder := range d.owned {
		name := filepath.Join(s.Dir, folder)
		if err := errors.Join(os.Mkdir(name, 0o755), d.own(name)); err != nil {
			return err
		}
	}
	cert, err := makeCertificate(filepath.Join(s.Dir, "etc"))
	if err != nil {
		return err
	}
	d.cert, s.Cert, s.Key = cert, cert.file, cert.key
	if err := errors.Join(d.own(s.Cert), d.own(s.Key)); err != nil {
		return err
	}
	if d.relay != nil {
		s.Relay = d.relay.settings.Ports["mx"]
	}
	s.Ports = make(map[string]string)
	for _, service := range d.services {
		if s.Ports[service], err = freePort(); err != nil {
			return err
		}
	}
	return errors.Join(d.configure(), d.writePasswords())
}

// own gives what has a name to the daemon's user.
func (d *daemon) own(name string) error {
	if d.owner == "" {
		return nil
	}
	uid, gid, err := idsOf(d.owner)
	if err != nil {
		return err
	}
	return os.Chown(name, uid, gid)
}

func (s *settings) makeMaildirs(owner string) (err error) {
	if s.UID, s.GID, err = idsOf(owner); err != nil {
		return err
	}
	for user := range passwords {
		for _, folder := range []string{"", "new", "cur", "tmp"} {
			name := filepath.Join(s.Mail, user, folder)
			if err := errors.Join(os.MkdirAll(name, 0o755), os.Chown(name, s.UID, s.GID)); err != nil {
				return err
			}
		}
	}
	return nil
}

func idsOf(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(err1, err2)
}

// configure writes what is in conf, filled in.
func (d *daemon) configure() error {
	root := "conf/" + d.name
	return fs.WalkDir(conf, root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Join(d.settings.Dir, "etc", strings.TrimPrefix(file, root))
		if entry.IsDir() {
			return os.MkdirAll(name, 0o755)
		}
		b, err := conf.ReadFile(file)
		if err != nil {
			return err
		}
		text, err := d.settings.fill(string(b))
		if err != nil {
			return err
		}
		return os.WriteFile(name, []byte(text), 0o644)
	})
}

func (s *settings) fill(text string) (string, error) {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, s)
	return b.String(), err
}

// writePasswords writes them as lines of user:password, and as Cyrus SASL has them.
func (d *daemon) writePasswords() error {
	var lines []byte
	db := filepath.Join(d.settings.Dir, "etc", "sasldb")
	for user, password := range passwords {
		lines = fmt.Appendf(lines, "%s:%s\n", user, password)
		if !d.sasl {
			continue
		}
		cmd := exec.Command("saslpasswd2", "-p", "-c", "-f", db, "-u", "example.test", user)
		cmd.Stdin = strings.NewReader(password)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	if d.sasl {
		if err := d.own(db); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(d.settings.Dir, "etc", "passwords"), lines, 0o644)
}

// freePort returns a port of this machine that nobody listens on, and that nobody gets who
// asks for any: those begin at 32768, or higher.
func freePort() (port string, err error) {
	for range 100 {
		port = strconv.Itoa(10_000 + rand.IntN(22_000))
		var ln net.Listener
		if ln, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, ln.Close()
		}
	}
	return "", err
}

// listens waits until somebody listens on a port, but not for who has ended.
func listens(ctx context.Context, ended <-chan struct{}, port string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		nc, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			return nc.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		select {
		case <-tick.C:
		case <-ended:
			return io.ErrUnexpectedEOF
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// said is what a program has said so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

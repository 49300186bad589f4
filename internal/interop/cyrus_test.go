package interop

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

// TestCyrus logs in to Cyrus' POP3 server, which offers SCRAM with channel binding, by
// tls-unique and therefore up to TLS 1.2.
func TestCyrus(t *testing.T) {
	serverTLS, clientTLS := testnet.Cert(t, "localhost")
	only := func(mechanism string) auth.PasswordCredentials {
		return auth.PasswordCredentials{Mechanisms: []string{mechanism}}
	}
	for _, row := range []struct {
		name    string
		who     auth.PasswordCredentials
		between bool // somebody who has the server's key is in the middle
		want    string
		err     error
	}{
		{"by itself", auth.PasswordCredentials{}, false, "SCRAM-SHA-256-PLUS", nil},
		{"SHA-1", only("SCRAM-SHA-1-PLUS"), false, "SCRAM-SHA-1-PLUS", nil},
		{"PLAIN", only("PLAIN"), false, "PLAIN", nil},
		{"wrong password", auth.PasswordCredentials{Password: "guess"}, false, "", auth.ErrCredentials},
		{"in the middle", auth.PasswordCredentials{}, true, "", auth.ErrCredentials},
		{"in the middle without a binding", only("PLAIN"), true, "PLAIN", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			who, to := row.who, startCyrus(t, serverTLS)
			who.User = "alice"
			if who.Password == "" {
				who.Password = "secret1"
			}
			if row.between {
				to = between(t, to, serverTLS, clientTLS)
			}
			c, err := pop3.Dial(t.Context(), to, &pop3.ClientConfig{TLS: pop3.ImplicitTLS, TLSConfig: clientTLS.Clone(), Auth: who})
			if !errors.Is(err, row.err) {
				t.Fatalf("%v, not %v", err, row.err)
			}
			if err != nil {
				return
			}
			if got := c.ConnectionState().Identity.Mechanism; got != row.want {
				t.Errorf("logged in by %s", got)
			}
			if err := c.Quit(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// startCyrus runs Cyrus' pop3d as its master would, with TLS from the first octet. It
// may end after a login that failed.
func startCyrus(t *testing.T, cfg *tls.Config) (addr string) {
	t.Helper()
	need(t, "saslpasswd2")
	programs, err := filepath.Abs("servers")
	if err != nil {
		t.Fatal(err)
	}
	pop3d := filepath.Join(programs, "cyrus-pop3d/usr/lib/cyrus/bin/pop3d")
	if _, err := os.Stat(pop3d); err != nil {
		t.Skip("Cyrus is not unpacked: run internal/interop/install")
	}
	libraries, err := filepath.Glob(filepath.Join(programs, "*/usr/lib/*-linux-gnu*"))
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libraries, ":"),
		"CYRUS_SERVICE=pop3s", "CYRUS_ID=1", "CYRUS_VERBOSE=1")
	dir, err := os.MkdirTemp("", "cyrus") // not t.TempDir, which is within a folder for nobody else
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := configureCyrus(t, dir, cfg)
	recover := exec.Command(filepath.Join(programs, "cyrus-common/usr/lib/cyrus/bin/ctl_cyrusdb"), "-C", config, "-r")
	recover.Env = env
	if out, err := recover.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	ln := listen(t)
	listener, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	master, status, err := os.Pipe() // by which it tells its master how it is
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(pop3d, "-s", "-C", config)
	cmd.Env, cmd.ExtraFiles = env, []*os.File{status, listener}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = status.Close(), listener.Close()
	told := make(chan struct{})
	go func() {
		defer close(told)
		_, _ = io.Copy(io.Discard, master)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		<-told
	})
	return fmt.Sprintf("localhost:%d", ln.Addr().(*net.TCPAddr).Port)
}

// configureCyrus makes the folders and the files that Cyrus wants to have.
func configureCyrus(t *testing.T, dir string, cfg *tls.Config) (config string) {
	t.Helper()
	runs, err := user.Current()
	if err == nil && runs.Uid == "0" { // as whom it refuses to
		runs, err = user.Lookup("mail")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"db", "proc", "log", "msg", "socket", "ptclient", "lock", "user", "spool"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	key, err := x509.MarshalPKCS8PrivateKey(cfg.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for _, der := range cfg.Certificates[0].Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(filepath.Join(dir, "server.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "imapd.conf")
	text = []byte(strings.NewReplacer("DIR", dir, "USER", runs.Username).Replace(`configdirectory: DIR
partition-default: DIR/spool
defaultpartition: default
cyrus_user: USER
servername: localhost
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: DIR/sasldb
sasl_mech_list: SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN
tls_server_cert: DIR/server.pem
tls_server_key: DIR/server.pem
tls_versions: tls1_2
autocreate_users: anyone
autocreate_quota: 0
autocreate_post: yes
`))
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	set := exec.Command("saslpasswd2", "-p", "-c", "-f", filepath.Join(dir, "sasldb"), "-u", "localhost", "alice")
	set.Stdin = strings.NewReader("secret1")
	if out, err := set.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	own := exec.Command("chown", "-R", runs.Username, dir)
	if out, err := own.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return config
}

// between ends the TLS of who connects to it, and speaks to the server by TLS of its own.
func between(t *testing.T, addr string, serverTLS, clientTLS *tls.Config) string {
	t.Helper()
	var done sync.WaitGroup
	t.Cleanup(done.Wait) // after the listener is closed
	ln := listen(t)
	done.Go(func() {
		raw, err := ln.Accept()
		if err != nil {
			return
		}
		client := tls.Server(raw, serverTLS)
		defer client.Close()
		own := clientTLS.Clone()
		own.ServerName = "localhost"
		server, err := tls.Dial("tcp", addr, own)
		if err != nil {
			t.Error(err)
			return
		}
		done.Go(func() {
			_, _ = io.Copy(server, client)
			_ = server.CloseWrite()
		})
		_, _ = io.Copy(client, server)
		_ = server.Close()
	})
	return fmt.Sprintf("localhost:%d", ln.Addr().(*net.TCPAddr).Port)
}

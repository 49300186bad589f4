package interop

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
)

// lab is where the servers listen.
type lab map[string]string

// openLab reads the file that MAIL_INTEROP names.
func openLab(t *testing.T) lab {
	t.Helper()
	name := os.Getenv("MAIL_INTEROP")
	if name == "" {
		t.Skip("MAIL_INTEROP is not set: no servers to talk to")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	l := lab{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			l[key] = value
		}
	}
	return l
}

// addr returns the address of a service, and skips the test when the lab lacks it.
func (l lab) addr(t *testing.T, service string) string {
	t.Helper()
	port := l[service+"_PORT"]
	if port == "" {
		t.Skipf("the lab has no %s", service)
	}
	return "localhost:" + port
}

// tls returns a configuration that trusts the lab's certificates.
func (l lab) tls(t *testing.T) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(l["LAB_CA"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatalf("%s holds no certificate", l["LAB_CA"])
	}
	return &tls.Config{RootCAs: roots}
}

func token() string { return rand.Text() }

package interop

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/posthouse/posthouse/internal/testpeer"
)

// certificate is one for localhost that signs itself, in memory and in PEM files.
type certificate struct {
	testpeer.Certificate
	file, key string
}

func newCertificate(t *testing.T) certificate {
	t.Helper()
	c, err := makeCertificate(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// makeCertificate writes the files into a folder.
func makeCertificate(dir string) (certificate, error) {
	cert, err := testpeer.NewCertificate("localhost")
	if err != nil {
		return certificate{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.Chain.PrivateKey)
	if err != nil {
		return certificate{}, err
	}
	c := certificate{cert, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	for name, block := range map[string]*pem.Block{
		c.file: {Type: "CERTIFICATE", Bytes: cert.Chain.Certificate[0]},
		c.key:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			return certificate{}, err
		}
	}
	return c, nil
}

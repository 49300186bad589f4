package auth

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
)

// The types of channel binding, which tie a login to the TLS connection that it was
// made on: whoever stands between two connections cannot pass it on.
const (
	bindExporter = "tls-exporter"         // RFC 9266 section 2
	bindUnique   = "tls-unique"           // RFC 5929 section 3
	bindEndPoint = "tls-server-end-point" // RFC 5929 section 4
)

// binding returns the data of a type of channel binding; nil if the connection has
// none. The certificate is the server's.
//
// RFC 7677 section 4: what is bound must have a unique master secret. crypto/tls
// gives neither of the first two values of a connection that has not.
func (cs ConnectionState) binding(kind string, server *x509.Certificate) []byte {
	t := cs.TLS
	if t == nil || !t.HandshakeComplete || t.Version < tls.VersionTLS12 || t.CipherSuite == 0 {
		return nil // no handshake has made this state
	}
	switch kind {
	case bindExporter:
		// The context is empty, which is not the same as none in TLS 1.2
		// (RFC 9266 section 2).
		data, err := t.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
		if err != nil {
			return nil
		}
		return data
	case bindUnique:
		return t.TLSUnique // none in TLS 1.3
	case bindEndPoint:
		return endPoint(server)
	}
	return nil
}

// defaultBinding returns the type of channel binding that a client uses if nobody
// has told it of another, and the data; an empty type if the connection has
// none (RFC 5802 section 6.1, RFC 9266 section 3).
func (cs ConnectionState) defaultBinding(server *x509.Certificate) (kind string, data []byte) {
	for _, kind := range [...]string{bindUnique, bindExporter, bindEndPoint} {
		if data := cs.binding(kind, server); len(data) > 0 {
			return kind, data
		}
	}
	return "", nil
}

// endPoint hashes a certificate by the hash of its signature, MD5 and SHA-1 being
// replaced (RFC 5929 section 4.1). Nothing is defined for signatures that have no
// hash of their own, as Ed25519.
func endPoint(cert *x509.Certificate) []byte {
	if cert == nil {
		return nil
	}
	var hash crypto.Hash
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1,
		x509.SHA256WithRSA, x509.ECDSAWithSHA256, x509.SHA256WithRSAPSS, x509.DSAWithSHA256:
		hash = crypto.SHA256
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		hash = crypto.SHA512
	default:
		return nil
	}
	digest := hash.New()
	digest.Write(cert.Raw)
	return digest.Sum(nil)
}

// peerCertificate returns the certificate that the peer has shown, or nil.
func (cs ConnectionState) peerCertificate() *x509.Certificate {
	if cs.TLS == nil || len(cs.TLS.PeerCertificates) == 0 {
		return nil
	}
	return cs.TLS.PeerCertificates[0]
}

package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// scramServer is the server's side of SCRAM (RFC 5802, RFC 7677).
type scramServer struct {
	hash  SCRAMHash
	kit   *scramHash
	plus  bool
	nonce string // the server's part, until there is the whole

	first  clientFirst
	answer string // to the first message
	keys   SCRAMKeys
	known  bool      // the keys are a user's
	id     *Identity // when the client has shown who it is, and has to be shown who we are
}

func newSCRAMServer(hash SCRAMHash, plus bool) mechanism {
	return &scramServer{hash: hash, kit: &scramHashes[hash], plus: plus, nonce: rand.Text()}
}

func (m *scramServer) next(ctx context.Context, x *Exchange, response []byte) ([]byte, *Identity, error) {
	switch {
	case response == nil:
		return []byte{}, nil, nil
	case m.answer == "":
		if err := m.begin(ctx, x, string(response)); err != nil {
			return nil, nil, err
		}
		return []byte(m.answer), nil, nil
	case m.id == nil:
		return m.verify(ctx, x, string(response))
	case len(response) > 0:
		// The signature was sent as a challenge, because neither SMTP nor POP3 has
		// room for it in a success (RFC 4422 section 3.6).
		return nil, nil, malformed("something in answer to the server's signature")
	}
	return nil, m.id, nil
}

// begin takes the first message and makes the answer.
func (m *scramServer) begin(ctx context.Context, x *Exchange, message string) error {
	first, err := parseClientFirst(message)
	if err != nil {
		return err
	}
	// RFC 5802 section 5.1: prepared to be looked up, and used as received in the
	// hashes.
	user, unfit := prepare(first.user)
	if unfit != nil || user == "" {
		x.user = first.user
		return fmt.Errorf("%w: unfit user name", ErrCredentials)
	}
	x.user = user
	if err := m.checkFlag(x, first.header); err != nil {
		return err
	}
	if err := x.hold(ctx, user); err != nil {
		return err
	}
	if m.keys, m.known, err = x.server.scramKeys(ctx, m.hash, m.kit, user); err != nil {
		return err
	}
	m.first, m.nonce = first, first.nonce+m.nonce
	m.answer = "r=" + m.nonce + ",s=" + base64.StdEncoding.EncodeToString(m.keys.Salt) + ",i=" + strconv.Itoa(m.keys.Iterations)
	return nil
}

// checkFlag judges what the client says of channel binding (RFC 5802 section 6).
func (m *scramServer) checkFlag(x *Exchange, h gs2) error {
	cs := x.state
	switch {
	case m.plus != (h.flag == 'p'):
		return malformed("flag of channel binding does not go with the mechanism")
	case h.flag == 'y' && x.server.offersPlus(cs):
		// The client could, and has not seen what we have offered: somebody took it
		// off the list, be it with this hash or with another.
		return fmt.Errorf("%w: %w: somebody hides it from the client", ErrCredentials, ErrChannelBinding)
	case h.flag == 'p' && len(cs.binding(h.binding, cs.LocalCertificate)) == 0:
		return fmt.Errorf("%w: %w: type not supported", ErrCredentials, ErrChannelBinding)
	}
	return nil
}

// verify takes the last message and makes the server's signature.
func (m *scramServer) verify(ctx context.Context, x *Exchange, message string) ([]byte, *Identity, error) {
	final, err := parseClientFinal(message)
	switch {
	case err != nil:
		return nil, nil, err
	case final.nonce != m.nonce:
		return nil, nil, malformed("another nonce")
	case len(final.proof) != m.kit.size:
		return nil, nil, malformed("proof of a wrong length")
	}
	bound := []byte(m.first.header.raw)
	if m.plus {
		bound = append(bound, x.state.binding(m.first.header.binding, x.state.LocalCertificate)...)
	}
	if subtle.ConstantTimeCompare(bound, final.binding) != 1 {
		return nil, nil, fmt.Errorf("%w: %w", ErrCredentials, ErrChannelBinding)
	}
	auth := m.first.bare + "," + m.answer + "," + final.withoutProof
	key := m.kit.hmac(m.keys.StoredKey, auth)
	subtle.XORBytes(key, key, final.proof)
	equal := subtle.ConstantTimeCompare(m.kit.sum(key), m.keys.StoredKey) == 1
	signature := m.kit.hmac(m.keys.ServerKey, auth)
	if !equal || !m.known {
		return nil, nil, ErrCredentials
	}
	if m.id, err = x.server.grant(ctx, x.mechanism, x.user, m.first.header.name); err != nil {
		return nil, nil, err
	}
	return []byte("v=" + base64.StdEncoding.EncodeToString(signature)), nil, nil
}

// canBind reports whether a server could check a channel binding.
func (cs ConnectionState) canBind() bool {
	kind, _ := cs.defaultBinding(cs.LocalCertificate)
	return kind != ""
}

// offersPlus reports whether any mechanism with channel binding is offered.
func (s *Server) offersPlus(cs ConnectionState) bool {
	return slices.ContainsFunc(mechanisms[:], func(o offer) bool {
		return strings.HasSuffix(o.name, plusSuffix) && s.admit(&o, cs) == nil
	})
}

// scramParams says what clients are told of the keys for a hash; Iterations are zero
// if there are none.
func (s *Server) scramParams(hash SCRAMHash) SCRAMParams {
	var p SCRAMParams
	switch {
	case s.SCRAM != nil:
		p = s.SCRAM.SCRAMParams(hash)
	case s.Secrets != nil:
		p.Iterations = MinSCRAMIterations // more would protect nothing: the secrets are at hand
	}
	if p.SaltSize <= 0 || p.SaltSize > maxSalt {
		p.SaltSize = SCRAMSaltSize
	}
	return p
}

// scramKeys returns the user's keys, or such as nobody has a password for: made at
// the same cost, and the same each time.
func (s *Server) scramKeys(ctx context.Context, hash SCRAMHash, kit *scramHash, user string) (keys SCRAMKeys, known bool, err error) {
	params := s.scramParams(hash)
	if s.SCRAM == nil {
		return s.deriveKeys(ctx, hash, kit, user, params)
	}
	keys, err = s.SCRAM.SCRAMKeys(ctx, hash, user)
	unknown := errors.Is(err, ErrCredentials)
	if err != nil && !unknown {
		return SCRAMKeys{}, false, err
	}
	if keys.checkParams() == nil {
		params = SCRAMParams{Iterations: keys.Iterations, SaltSize: len(keys.Salt)}
	}
	nobody := SCRAMKeys{
		Hash:       hash,
		Iterations: params.Iterations,
		Salt:       s.obscure("salt"+strconv.Itoa(params.Iterations), hash, user, params.SaltSize), // another one with another number, as after a change of the password
		StoredKey:  s.obscure("stored", hash, user, kit.size),
		ServerKey:  s.obscure("server", hash, user, kit.size),
	}
	switch {
	case unknown:
		return nobody, false, nil
	case keys.Hash != hash:
		return SCRAMKeys{}, false, errors.New("auth: keys of another hash")
	}
	return keys, true, keys.check()
}

// deriveKeys makes keys of a secret. The salt is the user's own, whether there is
// such a user or not.
func (s *Server) deriveKeys(ctx context.Context, hash SCRAMHash, kit *scramHash, user string, params SCRAMParams) (keys SCRAMKeys, known bool, err error) {
	secret, known, err := s.secret(ctx, user)
	if err != nil {
		return SCRAMKeys{}, false, err
	}
	keys = SCRAMKeys{Hash: hash, Iterations: params.Iterations, Salt: s.obscure("salt", hash, user, params.SaltSize)}
	salted, err := kit.salted(secret, keys.Salt, keys.Iterations)
	if err != nil {
		return SCRAMKeys{}, false, err
	}
	_, keys.StoredKey, keys.ServerKey = kit.keys(salted)
	return keys, known, nil
}

// processKey keys what is told about users that do not exist, if nothing else does.
// All servers of a program share it, so that they tell the same.
var processKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return key
})

// obscure returns size octets that depend on the user, and that nobody can foretell.
func (s *Server) obscure(use string, hash SCRAMHash, user string, size int) (octets []byte) {
	key := s.SaltKey
	if len(key) == 0 {
		key = processKey()
	}
	for block := byte(0); len(octets) < size; block++ {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s\x00%v\x00%s\x00%c", use, hash, user, block)
		octets = mac.Sum(octets)
	}
	return octets[:size]
}

package auth

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// SCRAMHash is one of the hashes that SCRAM is built on: RFC 5802 for SHA-1, which
// is of use for old peers only, RFC 7677 for SHA-256.
type SCRAMHash uint8

const (
	SCRAMSHA1 SCRAMHash = iota + 1
	SCRAMSHA256
	SCRAMSHA512
)

const (
	// MinSCRAMIterations is the least number of iterations that either side takes
	// (RFC 5802 section 5.1, RFC 7677 section 4).
	MinSCRAMIterations = 4096

	// DefaultSCRAMIterations is the number for new keys: what costs a client a few
	// milliseconds, and is below the limits of all clients known.
	DefaultSCRAMIterations = 1 << 15

	// MaxSCRAMIterations is the number beyond which keys are refused.
	MaxSCRAMIterations = 10_000_000

	// SCRAMSaltSize is the length of the salt of new keys, in octets.
	SCRAMSaltSize = 16

	maxSalt = 255
)

// scramHash is what SCRAM needs to know of a hash.
type scramHash struct {
	name    string // of the mechanism without channel binding
	new     func() hash.Hash
	size    int
	stretch func(hash func() hash.Hash, password string, salt []byte, iterations, size int) ([]byte, error)
}

var scramHashes = [...]scramHash{
	SCRAMSHA1:   {"SCRAM-SHA-1", sha1.New, sha1.Size, pbkdf2.Key[hash.Hash]},
	SCRAMSHA256: {"SCRAM-SHA-256", sha256.New, sha256.Size, pbkdf2.Key[hash.Hash]},
	SCRAMSHA512: {"SCRAM-SHA-512", sha512.New, sha512.Size, pbkdf2.Key[hash.Hash]},
}

func (h SCRAMHash) known() bool { return h >= SCRAMSHA1 && h <= SCRAMSHA512 }

// String returns the name of the mechanism, "SCRAM-SHA-256" for example.
func (h SCRAMHash) String() string {
	if h.known() {
		return scramHashes[h].name
	}
	return fmt.Sprintf("SCRAMHash(%d)", uint8(h))
}

// SCRAMKeys is what a server stores of a password to verify it by SCRAM
// (RFC 5802 section 3). Nobody can log in with it, but whoever has it can try
// passwords, as against any hash, and can pass for the server. The zero value is no
// key. It prints without the keys; Encode is for files.
type SCRAMKeys struct {
	Hash       SCRAMHash
	Iterations int    // between MinSCRAMIterations and MaxSCRAMIterations
	Salt       []byte // 1 to 255 octets
	StoredKey  []byte // as long as the hash
	ServerKey  []byte // as long as the hash
}

// A SCRAMSource knows the keys of users. An implementation must be safe for
// concurrent use.
type SCRAMSource interface {
	// SCRAMParams says what is the same for all the keys of a hash, or for nearly
	// all: users that do not exist are answered with it. Zero Iterations say that
	// there are no keys for the hash, and its mechanism is not offered. A hash
	// should be offered only if all users have keys for it: clients take the
	// strongest mechanism that they see, and try no other when it fails.
	SCRAMParams(hash SCRAMHash) SCRAMParams

	// SCRAMKeys returns the user's keys for a hash, which are not changed;
	// [ErrCredentials] or an error wrapping it if there is no such user or the
	// user may not log in so; any other error if that could not be found out: the
	// client is then told to try again later. The user is prepared as for a
	// [PasswordVerifier]; the rules of time and context are the same.
	//
	// Where not all keys are of the same parameters, those of a user who does not exist
	// tell as much if they never differ from the most. Beside ErrCredentials there
	// may be keys whose parameters are told instead, always the same for a name:
	// those of some user who does exist will do, as nothing else of them is used.
	SCRAMKeys(ctx context.Context, hash SCRAMHash, user string) (SCRAMKeys, error)
}

// SCRAMParams are what a client is told of the keys that it has to match.
type SCRAMParams struct {
	Iterations int
	SaltSize   int // in octets; zero means SCRAMSaltSize
}

// NewSCRAMKeys makes keys of a password, with a random salt. Zero iterations are
// DefaultSCRAMIterations. The password is prepared by SASLprep. The error wraps
// [ErrCredentials] if the password is not one of 1 to 255 octets of UTF-8 that can
// be prepared; otherwise it says which argument is out of its bounds.
func NewSCRAMKeys(hash SCRAMHash, password string, iterations int) (SCRAMKeys, error) {
	salt := make([]byte, SCRAMSaltSize)
	_, _ = rand.Read(salt) // never fails
	if iterations == 0 {
		iterations = DefaultSCRAMIterations
	}
	return DeriveSCRAMKeys(hash, password, salt, iterations)
}

// DeriveSCRAMKeys is NewSCRAMKeys with a salt that is given, and kept, and as many
// iterations as are said.
func DeriveSCRAMKeys(hash SCRAMHash, password string, salt []byte, iterations int) (SCRAMKeys, error) {
	k := SCRAMKeys{Hash: hash, Iterations: iterations, Salt: salt}
	if err := k.checkParams(); err != nil {
		return SCRAMKeys{}, err
	}
	if reason := (claim{user: "-", password: password}).flaw(); reason != "" {
		return SCRAMKeys{}, fmt.Errorf("%w: %s", ErrCredentials, reason)
	}
	// RFC 4616 section 2: what is hashed is prepared before.
	password, err := prepare(password)
	if err != nil || password == "" {
		return SCRAMKeys{}, fmt.Errorf("%w: unfit password", ErrCredentials)
	}
	salted, err := scramHashes[hash].salted(password, salt, iterations)
	if err != nil {
		return SCRAMKeys{}, err
	}
	_, k.StoredKey, k.ServerKey = scramHashes[hash].keys(salted)
	return k, nil
}

// Verify reports whether the keys are those of the password, in constant time save
// for the iterations. An invalid key is of no password.
func (k SCRAMKeys) Verify(password string) bool {
	if k.check() != nil {
		return false
	}
	have, err := DeriveSCRAMKeys(k.Hash, password, k.Salt, k.Iterations)
	return err == nil && subtle.ConstantTimeCompare(have.StoredKey, k.StoredKey) == 1
}

// Encode returns the keys in one line of ASCII, as RFC 5803 section 2 has it:
//
//	SCRAM-SHA-256$4096:SALT$STOREDKEY:SERVERKEY
func (k SCRAMKeys) Encode() string {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%v$%d:%s$%s:%s", k.Hash, k.Iterations, b64(k.Salt), b64(k.StoredKey), b64(k.ServerKey))
}

// ParseSCRAMKeys takes what Encode makes, and nothing else. Its errors contain no
// part of the text.
func ParseSCRAMKeys(text string) (SCRAMKeys, error) {
	scheme, rest, _ := strings.Cut(text, "$")
	params, values, ok := strings.Cut(rest, "$")
	iterations, salt, ok1 := strings.Cut(params, ":")
	stored, server, ok2 := strings.Cut(values, ":")
	if !ok || !ok1 || !ok2 {
		return SCRAMKeys{}, errors.New("auth: not keys of SCRAM")
	}
	var k SCRAMKeys
	for h := SCRAMSHA1; h.known(); h++ {
		if scheme == h.String() {
			k.Hash = h
		}
	}
	count, errs := strconv.Atoi(iterations)
	k.Iterations = count
	for _, part := range [...]struct {
		dst  *[]byte
		text string
	}{{&k.Salt, salt}, {&k.StoredKey, stored}, {&k.ServerKey, server}} {
		octets, err := decodeText(part.text)
		*part.dst, errs = octets, errors.Join(errs, err)
	}
	if errs != nil || k.check() != nil || k.Encode() != text {
		return SCRAMKeys{}, errors.New("auth: keys of SCRAM are damaged")
	}
	return k, nil
}

// String tells the hash and the iterations alone, for the sake of careless logs.
func (k SCRAMKeys) String() string {
	return fmt.Sprintf("keys of %v, %d iterations", k.Hash, k.Iterations)
}

// GoString is String.
func (k SCRAMKeys) GoString() string { return k.String() }

// check says what is wrong with the keys.
func (k SCRAMKeys) check() error {
	if err := k.checkParams(); err != nil {
		return err
	}
	if size := scramHashes[k.Hash].size; len(k.StoredKey) != size || len(k.ServerKey) != size {
		return errors.New("auth: keys of SCRAM of a wrong length")
	}
	return nil
}

func (k SCRAMKeys) checkParams() error {
	switch {
	case !k.Hash.known():
		return errors.New("auth: unknown hash of SCRAM")
	case k.Iterations < MinSCRAMIterations || k.Iterations > MaxSCRAMIterations:
		return fmt.Errorf("auth: iterations of SCRAM not between %d and %d", MinSCRAMIterations, MaxSCRAMIterations)
	case len(k.Salt) == 0 || len(k.Salt) > maxSalt:
		return fmt.Errorf("auth: salt of SCRAM not of 1 to %d octets", maxSalt)
	}
	return nil
}

// The functions of RFC 5802 section 3.

// salted is SaltedPassword, which costs the time. The password is prepared.
func (h *scramHash) salted(password string, salt []byte, iterations int) ([]byte, error) {
	return h.stretch(h.new, password, salt, iterations, h.size)
}

// keys derives ClientKey, StoredKey and ServerKey.
func (h *scramHash) keys(salted []byte) (client, stored, server []byte) {
	client = h.hmac(salted, "Client Key")
	return client, h.sum(client), h.hmac(salted, "Server Key")
}

func (h *scramHash) hmac(key []byte, text string) []byte {
	mac := hmac.New(h.new, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func (h *scramHash) sum(data []byte) []byte {
	digest := h.new()
	digest.Write(data)
	return digest.Sum(nil)
}

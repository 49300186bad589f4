package usersfile

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The parameters of new hashes, and the bounds of those that are taken. Memory is in
// KiB: it is what many logins at once run out of.
const (
	argonMemory, argonTime, argonThreads = 19 << 10, 2, 1

	maxArgonMemory  = 256 << 10
	maxArgonTime    = 16
	maxArgonThreads = 16
	maxArgonOctets  = 64
	minArgonSalt    = 8
	minArgonKey     = 16
)

// argonHash is a hash of Argon2id: RFC 9106.
type argonHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func newArgon2id(password string) *argonHash {
	a := &argonHash{memory: argonMemory, time: argonTime, threads: argonThreads, salt: make([]byte, 16), key: make([]byte, 32)}
	_, _ = rand.Read(a.salt) // never fails
	a.key = a.hash(password)
	return a
}

func (a *argonHash) hash(password string) []byte {
	return argon2.IDKey([]byte(password), a.salt, a.time, a.memory, a.threads, uint32(len(a.key)))
}

func (a *argonHash) verify(password string) bool {
	return subtle.ConstantTimeCompare(a.hash(password), a.key) == 1
}

// encode returns the hash in the notation of the reference implementation.
func (a *argonHash) encode() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.memory, a.time, a.threads, b64(a.salt), b64(a.key))
}

// parseArgon2id takes what encode makes, and nothing else.
func parseArgon2id(text string) (secret, error) {
	damaged := errors.New("hash of Argon2id is damaged")
	fields := strings.Split(text, "$")
	if len(fields) != 6 {
		return nil, damaged
	}
	a := new(argonHash)
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &a.memory, &a.time, &a.threads); err != nil {
		return nil, damaged
	}
	var err error
	if a.salt, err = base64.RawStdEncoding.Strict().DecodeString(fields[4]); err != nil {
		return nil, damaged
	}
	if a.key, err = base64.RawStdEncoding.Strict().DecodeString(fields[5]); err != nil {
		return nil, damaged
	}
	switch {
	case a.encode() != text:
		return nil, damaged
	case a.time < 1 || a.threads < 1 || a.memory < 8*uint32(a.threads),
		a.memory > maxArgonMemory || a.time > maxArgonTime || a.threads > maxArgonThreads,
		len(a.salt) < minArgonSalt || len(a.salt) > maxArgonOctets || len(a.key) < minArgonKey || len(a.key) > maxArgonOctets:
		return nil, errors.New("hash of Argon2id has parameters out of bounds")
	}
	return a, nil
}

package usersfile

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/ascii"
)

// Kind is a form in which the file holds a secret.
type Kind string

const (
	Argon2id    Kind = "argon2id"
	Bcrypt      Kind = "bcrypt"
	SCRAMSHA256 Kind = "scram-sha-256"
	SCRAMSHA512 Kind = "scram-sha-512"
	SCRAMSHA1   Kind = "scram-sha-1" // for clients that know no better
	Plain       Kind = "plain"       // for APOP and CRAM-MD5
)

// Kinds lists all kinds, the ones to be preferred first.
func Kinds() []Kind { return []Kind{Argon2id, SCRAMSHA256, SCRAMSHA512, SCRAMSHA1, Bcrypt, Plain} }

// Make returns the secret of a password as the file holds it, with a random salt. The
// error wraps auth.ErrCredentials if nobody could log in with that password.
func Make(kind Kind, password string) (string, error) {
	prepared, err := auth.Prepare(password)
	if err != nil {
		return "", fmt.Errorf("%w: %w", auth.ErrCredentials, err)
	}
	switch kind {
	case Argon2id:
		return newArgon2id(prepared).encode(), nil
	case Bcrypt:
		return newBcrypt(prepared, bcryptCost)
	case SCRAMSHA1:
		return newKeys(auth.SCRAMSHA1, prepared)
	case SCRAMSHA256:
		return newKeys(auth.SCRAMSHA256, prepared)
	case SCRAMSHA512:
		return newKeys(auth.SCRAMSHA512, prepared)
	case Plain:
		return "{plain}" + prepared, nil
	}
	return "", fmt.Errorf("usersfile: unknown kind %q", string(kind))
}

func newKeys(hash auth.SCRAMHash, password string) (string, error) {
	k, err := auth.NewSCRAMKeys(hash, password, 0)
	if err != nil {
		return "", err
	}
	return k.Encode(), nil
}

// secret is what the file has of a password.
type secret interface {
	// verify compares in constant time, save for the work that the form is made for.
	verify(password string) bool
}

// forms are the prefixes that a secret is told by. The first that fits counts; what none
// fits is a bare one.
var forms = []struct {
	prefix string
	strip  bool // it is no part of the secret
	parse  func(text string) (secret, error)
}{
	{"{plain}", true, parsePlain},
	{"{blf-crypt}", true, parseBcrypt},
	{"{argon2id}", true, parseArgon2id},
	{"$2a$", false, parseBcrypt},
	{"$2b$", false, parseBcrypt},
	{"$2y$", false, parseBcrypt},
	{"$argon2id$", false, parseArgon2id},
	{"scram-", false, parseKeys},
	{"{", false, refuseForm},
	{"$", false, refuseForm},
}

// parseSecret takes a secret, or says what is wrong with it.
func parseSecret(text string) (s secret, reason string) {
	parse := parseBare
	for _, form := range forms {
		rest, ok := ascii.CutPrefixFold(text, form.prefix)
		if !ok {
			continue
		}
		if form.strip {
			text = rest
		}
		parse = form.parse
		break
	}
	s, err := parse(text)
	if err != nil {
		return nil, err.Error()
	}
	return s, ""
}

func refuseForm(string) (secret, error) {
	return nil, errors.New("secret of an unknown form: a password that looks so needs {plain} before it")
}

func parseKeys(text string) (secret, error) {
	k, err := auth.ParseSCRAMKeys(text)
	if err != nil {
		return nil, errors.New("keys of SCRAM are damaged")
	}
	return (*keys)(&k), nil
}

func (k *keys) verify(password string) bool { return auth.SCRAMKeys(*k).Verify(password) }

// plain is a password, prepared.
type plain string

// parseBare takes a password without a prefix, but not the marks that a locked
// account has in other files.
func parseBare(text string) (secret, error) {
	if text == "*" || text == "!" {
		return nil, errors.New("mark of a locked account: remove the line")
	}
	return parsePlain(text)
}

func parsePlain(text string) (secret, error) {
	prepared, err := auth.Prepare(text)
	if err != nil {
		return nil, errors.New("password is empty, too long, or of characters that none has")
	}
	return plain(prepared), nil
}

func (p plain) verify(password string) bool {
	// Digests have one length: how long the passwords are does not show.
	have, want := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(p))
	return subtle.ConstantTimeCompare(have[:], want[:]) == 1
}

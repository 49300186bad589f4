package usersfile

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/posthouse/posthouse/auth"
)

const (
	bcryptCost    = 10 // of new hashes: about as dear as those of Argon2id
	maxBcryptCost = 16 // a few seconds
	maxBcrypt     = 72 // octets of a password that count
	bcryptLength  = len("$2b$12$") + 53
	bcryptDigits  = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// bcryptHash is a hash of bcrypt.
type bcryptHash string

func newBcrypt(password string, cost int) (string, error) {
	if len(password) > maxBcrypt {
		return "", fmt.Errorf("%w: longer than the 72 octets that bcrypt takes", auth.ErrCredentials)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return string(hash), err
}

func parseBcrypt(text string) (secret, error) {
	cost, err := bcrypt.Cost([]byte(text))
	digits := ""
	if len(text) == bcryptLength {
		digits = text[len("$2b$12$"):]
	}
	switch {
	case err != nil || digits == "" || strings.Trim(digits, bcryptDigits) != "" || !strings.Contains("aby", text[2:3]):
		return nil, errors.New("hash of bcrypt is damaged")
	case cost > maxBcryptCost:
		return nil, errors.New("hash of bcrypt is of a cost above 16")
	}
	return bcryptHash(text), nil
}

func (b bcryptHash) verify(password string) bool {
	// What is longer has been refused when the hash was made; bcrypt would let its
	// beginning pass for the whole.
	fits := len(password) <= maxBcrypt
	return bcrypt.CompareHashAndPassword([]byte(b), []byte(password[:min(len(password), maxBcrypt)])) == nil && fits
}

package usersfile

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// saltKeySize is as long as what the salts are made by.
const saltKeySize = 32

// SaltKey returns the key that a file holds, for auth.Server.SaltKey and
// Config.SaltKey, so that the salt of a user who does not exist stays the same when the
// server is started again, as those of others do. If there is no such file it is made
// as by Set, with a random key: servers of one name need a copy. It is for its owner
// alone: a [*PermissionError].
func SaltKey(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = edit(file, func(old []byte) ([]byte, error) {
			if text = old; len(text) == 0 { // another may have been faster
				text = newSaltKey()
			}
			return text, nil
		})
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if isOpen(info) {
		return nil, &PermissionError{File: file, Mode: info.Mode()}
	}
	key := make([]byte, saltKeySize)
	if text = bytes.TrimSpace(text); hex.DecodedLen(len(text)) != len(key) {
		return nil, notAKey(file)
	}
	if _, err := hex.Decode(key, text); err != nil {
		return nil, notAKey(file) // and nothing of what it is
	}
	return key, nil
}

func newSaltKey() []byte {
	key := make([]byte, saltKeySize)
	_, _ = rand.Read(key) // never fails
	return append(hex.AppendEncode(nil, key), '\n')
}

func notAKey(file string) error {
	return fmt.Errorf("usersfile: %s: not a key of %d octets in hexadecimal", file, saltKeySize)
}

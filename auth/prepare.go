package auth

import "errors"

// Prepare applies SASLprep (RFC 4013), as a [Server] does to the names and passwords
// that clients show before they are verified: a store that compares, or hashes, must hold
// them so. Printable ASCII is not changed. An error says that the text is none that
// anybody could log in with: not UTF-8, of a forbidden character, empty when prepared, or
// longer than 255 octets.
func Prepare(text string) (string, error) {
	if len(text) > maxText {
		return "", errors.New("auth: text longer than 255 octets")
	}
	text, err := prepare(text)
	switch {
	case err != nil:
		return "", err
	case text == "":
		return "", errPrepare
	}
	return text, nil
}

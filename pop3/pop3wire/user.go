package pop3wire

// User is the USER command of RFC 1939 section 7.
type User struct{ Name string }

// Parse reads the name: one argument of printable ASCII.
func (c *User) Parse(args []byte) error {
	if !visible(args) {
		return errUser
	}
	c.Name = string(args)
	return nil
}

// Append appends the command line.
func (c User) Append(dst []byte) ([]byte, error) {
	if !visible(c.Name) {
		return dst, errUser
	}
	return finish(c.AppendPublic(dst), len(dst))
}

// AppendPublic appends the command with the name.
func (c User) AppendPublic(dst []byte) []byte {
	dst = append(dst, "USER "...)
	return append(dst, c.Name...)
}

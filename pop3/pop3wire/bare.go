package pop3wire

// Bare is a command without arguments: STAT, NOOP, RSET, QUIT, CAPA, STLS
// or UTF8.
type Bare struct{ Verb Verb }

// Parse checks that there are no arguments.
func (Bare) Parse(args []byte) error {
	if args != nil {
		return errArgument
	}
	return nil
}

// Append appends the command line.
func (c Bare) Append(dst []byte) ([]byte, error) {
	switch c.Verb {
	case STAT, NOOP, RSET, QUIT, CAPA, STLS, UTF8:
		return append(c.AppendPublic(dst), '\r', '\n'), nil
	}
	return dst, errVerb
}

// AppendPublic appends the verb.
func (c Bare) AppendPublic(dst []byte) []byte { return append(dst, c.Verb.String()...) }

package pop3wire

// Retr is the RETR command of RFC 1939 section 5.
type Retr struct{ N int } // message number, 1 or more

// Parse reads the message number.
func (c *Retr) Parse(args []byte) (err error) {
	c.N, err = parseRequired(args)
	return err
}

// Append appends the command line.
func (c Retr) Append(dst []byte) ([]byte, error) { return appendRequired(dst, RETR, c.N) }

// AppendPublic appends the command.
func (c Retr) AppendPublic(dst []byte) []byte { return appendNumbered(dst, RETR, c.N) }

// Dele is the DELE command of RFC 1939 section 5.
type Dele struct{ N int } // message number, 1 or more

// Parse reads the message number.
func (c *Dele) Parse(args []byte) (err error) {
	c.N, err = parseRequired(args)
	return err
}

// Append appends the command line.
func (c Dele) Append(dst []byte) ([]byte, error) { return appendRequired(dst, DELE, c.N) }

// AppendPublic appends the command.
func (c Dele) AppendPublic(dst []byte) []byte { return appendNumbered(dst, DELE, c.N) }

func parseRequired(args []byte) (int, error) {
	if len(args) == 0 {
		return 0, errNoNumber
	}
	return parseMessage(args)
}

func appendRequired(dst []byte, v Verb, n int) ([]byte, error) {
	if n < 1 {
		return dst, errNumber
	}
	return finish(appendNumbered(dst, v, n), len(dst))
}

package pop3wire

import "strconv"

// List is the LIST command of RFC 1939 section 5.
type List struct{ N int } // message number; 0 asks for all

// Parse reads the optional message number.
func (c *List) Parse(args []byte) (err error) {
	c.N, err = parseOptional(args)
	return err
}

// Append appends the command line.
func (c List) Append(dst []byte) ([]byte, error) { return appendOptional(dst, LIST, c.N) }

// AppendPublic appends the command.
func (c List) AppendPublic(dst []byte) []byte { return appendNumbered(dst, LIST, c.N) }

// Uidl is the UIDL command of RFC 1939 section 7.
type Uidl struct{ N int } // message number; 0 asks for all

// Parse reads the optional message number.
func (c *Uidl) Parse(args []byte) (err error) {
	c.N, err = parseOptional(args)
	return err
}

// Append appends the command line.
func (c Uidl) Append(dst []byte) ([]byte, error) { return appendOptional(dst, UIDL, c.N) }

// AppendPublic appends the command.
func (c Uidl) AppendPublic(dst []byte) []byte { return appendNumbered(dst, UIDL, c.N) }

func parseOptional(args []byte) (int, error) {
	if args == nil {
		return 0, nil
	}
	return parseMessage(args)
}

func appendOptional(dst []byte, v Verb, n int) ([]byte, error) {
	if n < 0 {
		return dst, errNumber
	}
	return finish(appendNumbered(dst, v, n), len(dst))
}

// appendNumbered appends the verb and the number, if there is one.
func appendNumbered(dst []byte, v Verb, n int) []byte {
	dst = append(dst, v.String()...)
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, ' '), int64(n), 10)
}

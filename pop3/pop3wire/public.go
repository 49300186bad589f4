package pop3wire

import "strconv"

// AppendPublic appends what a transcript may show of a command line that was
// received, without CRLF. A secret cannot get through: of PASS, AUTH and APOP the
// public form is shown, of any other command the line as it was understood, and
// of what was not understood its verb and length alone, since a line that went
// wrong may well hold a password.
func AppendPublic(dst, line []byte) []byte {
	v, args := SplitVerb(line)
	switch v {
	case USER:
		var c User
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case PASS:
		return Pass{}.AppendPublic(dst)
	case LIST:
		var c List
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case RETR:
		var c Retr
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case DELE:
		var c Dele
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case TOP:
		var c Top
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case UIDL:
		var c Uidl
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case AUTH:
		var c Auth
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case APOP:
		var c Apop
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case LANG:
		var c Lang
		if c.Parse(args) == nil {
			return c.AppendPublic(dst)
		}
	case STAT, NOOP, RSET, QUIT, CAPA, STLS, UTF8:
		if (Bare{v}).Parse(args) == nil {
			return Bare{v}.AppendPublic(dst)
		}
	}
	dst = append(dst, v.String()...)
	dst = append(dst, " ("...)
	dst = strconv.AppendInt(dst, int64(len(line)), 10)
	return append(dst, " octets)"...)
}

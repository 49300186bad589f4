package message

import (
	"errors"
	"strings"
)

// ErrNeedsSMTPUTF8 is the error for an address or a message-id outside ASCII where that
// is not allowed: only a server that offers SMTPUTF8 (RFC 6531) takes a message with
// one.
var ErrNeedsSMTPUTF8 = errors.New("message: address needs SMTPUTF8")

var (
	errAddress = errors.New("message: not an address")
	errText    = errors.New("message: text that cannot stand in a header")
)

// Append appends m as it stands in a header, on one line: `"Doe, Jo" <jo@example.org>`.
// A name outside ASCII becomes encoded-words. It fails, and appends nothing, for what
// is no address, for control characters and for text that is not UTF-8, and with
// ErrNeedsSMTPUTF8 for an address outside ASCII.
func (m Mailbox) Append(dst []byte) ([]byte, error) {
	if checkText(m.Name) != "" {
		return dst, errText
	}
	if err := m.check(false); err != nil {
		return dst, err
	}
	f := fieldWriter{bare: true} // no fold in front of the first token
	f.mailbox(m, "")
	return append(dst, strings.ReplaceAll(string(f.b[1:]), "\r\n", "")...), nil
}

// check says whether the address is one that can be written.
func (m Mailbox) check(utf8 bool) error {
	// Parsed strictly, it must give itself: nothing else could be read into it, and no
	// group (RFC 6854 section 3).
	parsed, err := ParseMailbox(m.Addr)
	if err != nil || parsed.Addr != m.Addr || parsed.Name != "" {
		return errAddress
	}
	if !utf8 && !isPrintable(m.Addr, false) {
		return ErrNeedsSMTPUTF8
	}
	return nil
}

// mailboxes writes an address list.
//
//	mailbox-list = mailbox *("," mailbox)
func (f *fieldWriter) mailboxes(list []Mailbox) {
	for i, m := range list {
		tail := ","
		if i == len(list)-1 {
			tail = ""
		}
		f.mailbox(m, tail)
	}
}

// mailbox writes one address, and tail behind it.
//
//	mailbox   = name-addr / addr-spec
//	name-addr = [display-name] "<" addr-spec ">"
func (f *fieldWriter) mailbox(m Mailbox, tail string) {
	if m.Name == "" {
		f.token(m.Addr + tail)
		return
	}
	f.phrase(m.Name)
	f.token("<" + m.Addr + ">" + tail)
}

// phrase writes a display name: as atoms, or in quotes, or in encoded-words if neither
// can carry it exactly or would make a long line.
//
//	phrase = 1*word
func (f *fieldWriter) phrase(name string) {
	words := strings.Split(name, " ")
	atoms, plain := true, true
	for _, w := range words {
		plain = plain && w != "" && f.plain(w)
		for i := range len(w) {
			atoms = atoms && isAtom(w[i])
		}
	}
	quoted := `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(name) + `"`
	switch {
	case plain && atoms:
		for _, w := range words {
			f.token(w)
		}
	case plain && len(quoted) <= maxPlainWord:
		f.token(quoted)
	default:
		f.encoded(name)
	}
}

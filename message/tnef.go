package message

import (
	"encoding/binary"
	"errors"
	"strconv"
	"unicode/utf16"
)

// ErrNotTNEF is the error of ParseTNEF for what does not begin as TNEF does.
var ErrNotTNEF = errors.New("message: not TNEF")

// TNEF is what Microsoft's Transport Neutral Encapsulation Format (MS-OXTNEF) wraps up, an
// application/ms-tnef or "winmail.dat".
type TNEF struct {
	Subject string
	// Text and HTML are the bodies, if they are there; many have theirs as
	// RTF alone.
	Text, HTML string
	// RTF is the body as Rich Text Format, no longer compressed; nil if there is none.
	RTF   []byte
	Files []TNEFFile
	// Whole is false if something was missing or did not add up; what is here
	// was read all the same.
	Whole bool
}

// TNEFFile is one attachment.
type TNEFFile struct {
	// Name is what the sender called it. It must not become a path unseen.
	Name string
	// MediaType is its type, "" if it is not told; Embedded says that it is a message in
	// TNEF of its own, for ParseTNEF.
	MediaType string
	ContentID string
	Embedded  bool
	// Content is a view of the octets that were parsed.
	Content []byte
}

// TNEF parses the decoded body of the part. The error is that of ParseTNEF or of
// reading the message.
func (p *Part) TNEF() (*TNEF, error) {
	b, err := p.AppendBody(nil)
	if err != nil {
		return nil, err
	}
	return ParseTNEF(b)
}

// The attributes that are read (MS-OXTNEF section 2.1.3).
const (
	tnefSubject    = 0x8004
	tnefBody       = 0x800C
	tnefData       = 0x800F
	tnefTitle      = 0x8010
	tnefRendering  = 0x9002 // begins an attachment
	tnefProps      = 0x9003
	tnefAttachment = 0x9005 // properties of the attachment
	tnefCodepage   = 0x9007
)

const maxTNEFFiles = 1000

// ParseTNEF reads TNEF as far as it can be read. Contents are views of b. Time and room are
// linear in b; no more than 1,000 files are listed.
//
//	TNEFStream = TNEFHeader TNEFVersion OEMCodePage MessageData *AttachData
func ParseTNEF(b []byte) (*TNEF, error) {
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != 0x223E9F78 {
		return nil, ErrNotTNEF
	}
	t := tnefReader{whole: true, charset: "windows-1252"}
	for b = b[6:]; len(b) > 0; {
		if b = t.attribute(b); !t.whole && b == nil {
			break
		}
	}
	return &TNEF{t.subject, t.text, t.html, t.rtf, t.files, t.whole}, nil
}

// tnefReader gathers what the attributes say.
type tnefReader struct {
	subject, text, html string
	rtf                 []byte
	files               []TNEFFile
	charset             string
	whole               bool
}

// attribute takes the attribute at the start of b and returns what is behind it; nil if
// it is cut off.
//
//	attribute = level id length data checksum
func (t *tnefReader) attribute(b []byte) []byte {
	if len(b) < 9 {
		t.whole = false
		return nil
	}
	id := binary.LittleEndian.Uint16(b[1:])
	size := int64(binary.LittleEndian.Uint32(b[5:]))
	b = b[9:]
	data := b[:min(size, int64(len(b)))]
	if b = b[len(data):]; len(b) < 2 {
		t.whole = false
		b = nil
	} else {
		sum := uint16(0)
		for _, c := range data {
			sum += uint16(c)
		}
		t.whole = t.whole && sum == binary.LittleEndian.Uint16(b)
		b = b[2:]
	}
	t.take(id, data)
	return b
}

// take takes what an attribute says.
func (t *tnefReader) take(id uint16, data []byte) {
	switch id {
	case tnefCodepage:
		if len(data) >= 4 {
			t.charset = codepage(binary.LittleEndian.Uint32(data))
		}
	case tnefSubject:
		t.subject = t.string8(data)
	case tnefBody:
		t.text = t.string8(data)
	case tnefProps:
		t.props(data, t.messageProp)
	case tnefRendering:
		if len(t.files) == maxTNEFFiles {
			t.whole = false
			return
		}
		t.files = append(t.files, TNEFFile{})
	case tnefTitle:
		if f := t.file(); f.Name == "" {
			f.Name = t.string8(data)
		}
	case tnefData:
		t.file().Content = data
	case tnefAttachment:
		t.props(data, t.fileProp)
	}
}

// file returns the attachment that is being read.
func (t *tnefReader) file() *TNEFFile {
	if len(t.files) == 0 {
		t.files = append(t.files, TNEFFile{})
	}
	return &t.files[len(t.files)-1]
}

// codepage returns the charset of a Windows code page.
func codepage(n uint32) string {
	switch {
	case n == 65001:
		return "utf-8"
	case n == 20127:
		return "us-ascii"
	case 28591 <= n && n <= 28606:
		return "iso-8859-" + strconv.Itoa(int(n)-28590)
	case 1250 <= n && n <= 1258 || n == 874:
		return "windows-" + strconv.Itoa(int(n))
	}
	return "cp" + strconv.Itoa(int(n))
}

// string8 makes text of octets that a NUL ends.
func (t *tnefReader) string8(b []byte) string {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	cs, _ := findCharset(t.charset)
	return string(cs.appendText(nil, b))
}

// utf16Text makes text of UTF-16 that a NUL ends.
func utf16Text(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Attachment is a file that travels with a Draft.
type Attachment struct {
	// Name is the file name the reader is shown, without folders; "" for none.
	Name string
	// MediaType is the type, with parameters if need be: "text/csv; charset=utf-8".
	// Zero means application/octet-stream. The charset of a text is not looked for:
	// where none is named, readers guess.
	MediaType string
	// ContentID is by what HTML refers to an inline attachment: "logo@example.org" for
	// <img src="cid:logo@example.org">.
	ContentID string
	// Open gives the content from its beginning, each time it is called; the content is
	// closed after it was read. It is called each time that the message is read, which
	// smtp.Send does twice, and once more for a message inside the message. What Open or
	// the reading fails with makes the reading of the message fail.
	Open func() (io.ReadCloser, error)
}

// FromBytes returns an attachment with this content, which is not copied and must not
// change while the draft is in use.
func FromBytes(name, mediaType string, content []byte) Attachment {
	return Attachment{Name: name, MediaType: mediaType, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

// FromFile returns an attachment with the content of a file and the last element of its
// path as name. The media type is that of the name's extension, if it is a common one;
// who knows the charset of a text adds it to MediaType. The file is opened when the
// message is written; if it changes its size meanwhile, the writing fails.
func FromFile(path string) Attachment {
	name := filepath.Base(path)
	return Attachment{Name: name, MediaType: mediaTypeOf(name), Open: func() (io.ReadCloser, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if !info.Mode().IsRegular() {
			return nil, errors.Join(fmt.Errorf("message: %s is not a regular file", path), f.Close())
		}
		return &wholeFile{File: f, left: info.Size()}, nil
	}}
}

// WithContentID returns a copy of a that HTML can refer to as "cid:" and id
// (RFC 2392 section 2).
func (a Attachment) WithContentID(id string) Attachment {
	a.ContentID = id
	return a
}

// errResized is the error for a file that was written to while it was read.
var errResized = errors.New("message: file changed its size while it was read")

// wholeFile reads a file of a known size.
type wholeFile struct {
	*os.File
	left int64
}

func (f *wholeFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.left -= int64(n)
	if f.left < 0 || errors.Is(err, io.EOF) && f.left != 0 {
		return n, errResized
	}
	return n, err
}

// mediaTypeOf knows the extensions that are common in mail. The table of the host is
// not asked, so that a message is the same wherever it is made.
func mediaTypeOf(name string) string {
	switch ascii.ToLower(filepath.Ext(name)) {
	case ".txt", ".log":
		return "text/plain"
	case ".csv":
		return "text/csv"
	case ".md":
		return "text/markdown"
	case ".htm", ".html":
		return "text/html"
	case ".css":
		return "text/css"
	case ".ics":
		return "text/calendar"
	case ".vcf":
		return "text/vcard"
	case ".eml":
		return "message/rfc822"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".svg":
		return "image/svg+xml"
	case ".mp3":
		return "audio/mpeg"
	case ".mp4":
		return "video/mp4"
	case ".pdf":
		return "application/pdf"
	case ".json":
		return "application/json"
	case ".xml":
		return "application/xml"
	case ".zip":
		return "application/zip"
	case ".gz":
		return "application/gzip"
	case ".odt":
		return "application/vnd.oasis.opendocument.text"
	case ".ods":
		return "application/vnd.oasis.opendocument.spreadsheet"
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	}
	return "application/octet-stream"
}

package maildir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// maxMoves is how often a message may be renamed under our hands before we give up.
const maxMoves = 8

// Reader gives a message with CRLF line ends: an LF without CR before it becomes CRLF,
// a CR without LF stays, and a last line without end gets one. It is used by one
// goroutine.
type Reader struct {
	entry   Entry
	file    diskReader
	left    int64  // of the size that the file had when it was opened
	buf     []byte // nil while nothing is read
	rest    []byte // what of buf is not yet given out
	crlf    crlfWriter
	drained bool // the file is read to its end
	added   bool // rest is a line end that the file lacks
	err     error
}

var _ io.WriterTo = (*Reader)(nil)

// Open opens a message to be read. If it was renamed since it was listed, it is found
// again; if it is gone, the error is fs.ErrNotExist.
func (d *Dir) Open(ctx context.Context, e Entry) (*Reader, error) {
	for range maxMoves {
		file, err := d.fs.open(e.path())
		if err == nil {
			return &Reader{entry: e, file: file, left: file.Size(), crlf: crlfWriter{last: '\n'}}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("maildir: %w", err)
		}
		if e, err = d.findOne(ctx, e); err != nil {
			return nil, err
		}
	}
	return nil, errRestless
}

// Entry is the message as it was found: its name may differ from the one given to Open.
func (r *Reader) Entry() Entry { return r.entry }

// Read reads the message.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		nd, ns := r.crlf.convert(p, r.rest)
		r.rest = r.rest[ns:]
		if nd > 0 {
			return nd, nil
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

// LFWriter is a Writer that makes CRLF of the line ends itself, where they are not that
// already, and tells how many octets it made of p.
type LFWriter interface {
	io.Writer
	WriteLF(p []byte) (octets int64, err error)
}

// WriteTo writes the rest of the message to w in large pieces, with line ends as they
// are stored if w is an LFWriter and nothing was read before.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	if w, ok := w.(LFWriter); ok && r.buf == nil {
		return r.writeStored(w)
	}
	out := takeBuffer()
	defer giveBuffer(out)
	total, used := int64(0), 0
	for {
		nd, ns := r.crlf.convert(out[used:], r.rest)
		r.rest = r.rest[ns:]
		used += nd
		var err error
		if len(r.rest) == 0 {
			err = r.fill()
		}
		if used > len(out)/2 || err != nil {
			n, errWrite := w.Write(out[:used])
			total += int64(n)
			if errWrite != nil {
				return total, errWrite
			}
			used = 0
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// writeStored writes the message as it is stored.
func (r *Reader) writeStored(w LFWriter) (total int64, err error) {
	for {
		err := r.fill()
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		if text := r.rest; r.added {
			// Also behind a CR, which is no half of a line end.
			n, err := w.Write([]byte("\r\n"))
			if total += int64(n); err != nil {
				return total, err
			}
		} else {
			n, err := w.WriteLF(text)
			if total += n; err != nil {
				return total, err
			}
			r.crlf.last = text[len(text)-1]
		}
		r.rest = nil
	}
}

// fill reads the next octets of the file into rest, and after the last of them the
// missing end of a line.
func (r *Reader) fill() error {
	if r.buf == nil && r.err == nil {
		r.buf = takeBuffer()
	}
	for r.err == nil {
		if r.drained {
			r.err = io.EOF
			if r.crlf.last != '\n' && !r.added {
				r.added = true
				r.crlf.last = 0 // a CR at the end is no half of a line end
				r.rest = append(r.buf[:0], '\n')
				return nil
			}
			break
		}
		n, err := r.file.Read(r.buf)
		r.rest = r.buf[:n]
		r.left -= int64(n)
		// Files of a Maildir do not grow: at the size it had there is nothing to ask for.
		if errors.Is(err, io.EOF) || err == nil && r.left == 0 {
			r.drained = true
		} else if err != nil {
			r.err = fmt.Errorf("maildir: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return r.err
}

// Close closes the file. Reading after it fails.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	giveBuffer(r.buf)
	r.buf, r.rest = nil, nil
	r.err = fs.ErrClosed
	file := r.file
	r.file = nil
	return file.Close()
}

// Count reads a message and says how many octets Open gives of it: for entries whose
// CRLFSize is not known.
func (d *Dir) Count(ctx context.Context, e Entry) (int64, error) {
	r, err := d.Open(ctx, e)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	buf := takeBuffer()
	defer giveBuffer(buf)
	total, last := int64(0), byte('\n')
	for {
		n, err := r.file.Read(buf)
		if n > 0 {
			total += int64(n + bareLFs(buf[:n], last))
			last = buf[n-1]
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return 0, fmt.Errorf("maildir: %w", err)
		}
	}
	if last != '\n' {
		total += 2
	}
	return total, nil
}

// bareLFs counts the LFs that follow no CR; last is the octet before text.
func bareLFs(text []byte, last byte) int {
	n := bytes.Count(text, []byte{'\n'})
	if last == '\r' && len(text) > 0 && text[0] == '\n' {
		n--
	}
	for {
		i := bytes.IndexByte(text, '\r')
		if i < 0 || i+1 == len(text) {
			return n
		}
		if text = text[i+1:]; text[0] == '\n' {
			n--
		}
	}
}

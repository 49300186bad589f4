package maildir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
)

var errDelivery = errors.New("maildir: delivery was committed or aborted before")

// Delivery is a message being delivered. It is used by one goroutine.
//
// The message passes these states:
//
//	S1  nothing
//	S2  tmp/T is being written
//	S3  tmp/T is whole and synced
//	S4  new/N is the message; tmp/T is gone, or after a crash may be back
//	S5  as S4, and new is synced: Commit returns nil
//
// S3 to S4 is one rename, of a file whose contents are on the disk, so that new never
// shows a part of a message. S4 to S5 is the commit point. A crash before it may lose
// the message, and nobody was told that it is here; a crash after it leaves it in new.
// What remains in tmp after a crash is removed by Dir.CleanTmp.
//
// A failure in any state removes the file if that can be done, and the delivery is
// over: an fsync is never tried twice on the same file, for after a failed one the
// kernel may have dropped what was to be written.
type Delivery struct {
	dir  *Dir
	file diskFile // nil when the delivery is over
	tmp  string

	buf  []byte     // from buffers
	crlf crlfWriter // of a Dir with CRLF
	lf   lfWriter   // of any other
	head headerScan
	size int64 // octets given to the file
	err  error // the first failure of a Write
}

// Create begins a delivery. The caller must call Commit or Abort.
func (d *Dir) Create() (*Delivery, error) {
	if d.noDelivery {
		return nil, errNoDelivery
	}
	if err := d.usable(); err != nil {
		return nil, fmt.Errorf("maildir: %w", err)
	}
	tmp := dirTmp + "/" + d.uniqueName()
	file, err := d.fs.create(tmp)
	if err != nil {
		return nil, fmt.Errorf("maildir: %w", err)
	}
	return &Delivery{
		dir: d, file: file, tmp: tmp, buf: takeBuffer()[:0],
		crlf: crlfWriter{last: '\n'}, lf: lfWriter{last: '\n'},
	}, nil
}

// Deliver delivers what r gives up to io.EOF. After any other error of r nothing is
// delivered.
func (d *Dir) Deliver(ctx context.Context, r io.Reader) (Entry, error) {
	w, err := d.Create()
	if err != nil {
		return Entry{}, err
	}
	defer w.Abort()
	if _, err := io.Copy(w, r); err != nil {
		return Entry{}, err
	}
	return w.Commit(ctx)
}

// Write takes text with CRLF or LF line ends. After an error the delivery cannot be
// committed.
func (w *Delivery) Write(p []byte) (int, error) {
	if w.file == nil {
		return 0, errDelivery
	}
	taken := 0
	for taken < len(p) && w.err == nil {
		if len(w.buf) >= cap(w.buf)/2 {
			w.flush()
			continue
		}
		// A chunk grows to no more than twice its size, and a CR that was held back.
		chunk := p[taken:]
		chunk = chunk[:min(len(chunk), (cap(w.buf)-len(w.buf))/2-2)]
		w.head.scan(chunk)
		w.convert(chunk)
		taken += len(chunk)
	}
	if w.err != nil {
		return 0, w.err
	}
	return taken, nil
}

// convert appends the stored form of chunk to buf, which has room for it.
func (w *Delivery) convert(chunk []byte) {
	if w.dir.CRLF {
		n, _ := w.crlf.convert(w.buf[len(w.buf):cap(w.buf)], chunk)
		w.buf = w.buf[:len(w.buf)+n]
		return
	}
	w.buf = w.lf.append(w.buf, chunk)
}

// finish completes the last line, and flushes.
func (w *Delivery) finish() {
	if !w.dir.CRLF {
		w.buf = w.lf.finish(w.buf)
	} else if w.crlf.last != '\n' {
		w.buf = append(w.buf, '\r', '\n')
	}
	w.flush()
}

func (w *Delivery) flush() {
	if w.err != nil {
		return
	}
	if _, err := w.file.Write(w.buf); err != nil {
		w.err = fmt.Errorf("maildir: %w", err)
		return
	}
	w.size += int64(len(w.buf))
	w.buf = w.buf[:0]
}

// Commit makes the message appear in new and returns when it is durable. A last line
// without end is completed. On any error the message is not acknowledged, and is gone
// from the Maildir unless that fails too. Once ctx has ended Commit refuses to begin;
// it is not interrupted by it.
func (w *Delivery) Commit(ctx context.Context) (Entry, error) {
	if w.file == nil {
		return Entry{}, errDelivery
	}
	if w.err == nil {
		w.err = context.Cause(ctx)
	}
	w.finish()
	if w.err != nil {
		return Entry{}, errors.Join(w.err, w.Abort())
	}
	file := w.file
	w.end()
	e, err := w.publish(file)
	if err != nil {
		return Entry{}, fmt.Errorf("maildir: %w", err)
	}
	return e, nil
}

// publish goes from S2 to S5.
func (w *Delivery) publish(file diskFile) (Entry, error) {
	disk := w.dir.fs
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return Entry{}, errors.Join(err, disk.remove(w.tmp))
	}
	// S3. The name tells when the message was complete, not when it began to come in.
	name := w.dir.uniqueName() +
		",S=" + strconv.FormatInt(w.size, 10) +
		",W=" + strconv.FormatInt(w.size+w.lf.bare, 10)
	if w.head.utf8() {
		name += ",U=1"
	}
	e := parseEntry(name, true, w.size)
	if err := disk.rename(w.tmp, e.path()); err != nil {
		return Entry{}, errors.Join(err, disk.remove(w.tmp))
	}
	// S4.
	err := w.dir.syncPath()
	if err == nil {
		err = w.dir.syncDir(dirNew)
	}
	if err != nil {
		return Entry{}, errors.Join(err, disk.remove(e.path()))
	}
	return e, nil // S5
}

// Abort ends the delivery and removes its file. After Commit it does nothing.
func (w *Delivery) Abort() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.file.Close(), w.dir.fs.remove(w.tmp))
	w.end()
	if err != nil {
		return fmt.Errorf("maildir: %w", err)
	}
	return nil
}

func (w *Delivery) end() {
	giveBuffer(w.buf)
	w.file, w.buf = nil, nil
}

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/posthouse/posthouse/pop3"
)

// barWidth is the number of columns between the brackets.
const barWidth = 40

// bar draws how far a download is on standard error, if that is a terminal.
type bar struct {
	out            io.Writer // nil: not drawn
	messages, seen int
	octets, read   int64
	drawn          time.Time
}

func newBar(list []pop3.Entry) *bar {
	b := &bar{messages: len(list)}
	for _, m := range list {
		b.octets += max(0, m.Size)
	}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		b.out = os.Stderr
	}
	return b
}

// reader counts what is read of r. Without a terminal it is r itself.
func (b *bar) reader(r io.Reader) io.Reader {
	if b.out == nil {
		return r
	}
	return io.TeeReader(r, b)
}

// Write counts octets.
func (b *bar) Write(p []byte) (int, error) {
	b.read += int64(len(p))
	b.draw(false)
	return len(p), nil
}

// message counts a message.
func (b *bar) message() {
	b.seen++
	b.draw(b.seen == b.messages)
}

// done ends the line.
func (b *bar) done() {
	if b.out != nil {
		fmt.Fprintln(b.out)
	}
}

// draw draws ten times a second, and when it must.
func (b *bar) draw(must bool) {
	if b.out == nil || !must && time.Since(b.drawn) < 100*time.Millisecond {
		return
	}
	b.drawn = time.Now()
	full := barWidth
	if b.octets > 0 {
		full = min(barWidth, int(barWidth*b.read/b.octets))
	}
	fmt.Fprintf(b.out, "\r[%s%s] %d of %d messages, %.1f of %.1f MB",
		strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), b.seen, b.messages, mb(b.read), mb(b.octets))
}

func mb(octets int64) float64 { return float64(octets) / 1e6 }

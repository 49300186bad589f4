package bench

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/posthouse/posthouse/message"
)

var messageRounds = flag.Int("message.rounds", 0, "compare parsers on sets of messages in so many `rounds`")

// messageSets are the sets that parsers are compared on.
func messageSets(tb testing.TB) map[string][][]byte {
	tb.Helper()
	shared := filepath.Join("..", "..", "..", "shared", "data", "mime")
	sets := map[string][][]byte{
		"small mail": filesOf(tb, shared, func(name string) bool { return strings.Contains(name, "spamassassin-public") }),
		"malformed": filesOf(tb, shared, func(name string) bool {
			return !strings.Contains(name, "spamassassin") && filepath.Ext(name) != ".json"
		}),
		"alternative": {typical(tb)},
	}
	for size := 1; size <= 10; size += 3 {
		content := make([]byte, size<<20)
		for i := range content {
			content[i] = byte(i * i >> 5)
		}
		d := &message.Draft{
			From: []message.Mailbox{{Addr: "a@example.test"}}, To: []message.Mailbox{{Addr: "b@example.test"}}, Subject: "x", Text: "y",
			Attachments: []message.Attachment{message.FromBytes("z.bin", "", content)},
		}
		var b bytes.Buffer
		if _, err := d.WriteTo(&b); err != nil {
			tb.Fatal(err)
		}
		sets["attachments"] = append(sets["attachments"], b.Bytes())
	}
	for depth := 5; depth <= 33; depth += 4 {
		sets["nested"] = append(sets["nested"], nestedMail(depth))
	}
	return sets
}

// nestedMail returns multiparts inside one another, each with a text.
func nestedMail(depth int) []byte {
	var head, tail strings.Builder
	for i := range depth {
		fmt.Fprintf(&head, "Content-Type: multipart/mixed; boundary=\"level-%d\"\r\n\r\n--level-%d\r\nContent-Type: text/plain\r\n\r\n%s\r\n--level-%d\r\n",
			i, i, strings.Repeat("a line of text, and no more than that\r\n", 4), i)
	}
	for i := range depth {
		fmt.Fprintf(&tail, "--level-%d--\r\n", depth-1-i)
	}
	return []byte("From: a@example.test\r\nTo: b@example.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n" + head.String() + "\r\nend\r\n" + tail.String())
}

// filesOf reads the files below root whose name is wanted.
func filesOf(tb testing.TB, root string, wanted func(name string) bool) (set [][]byte) {
	tb.Helper()
	if _, err := os.Stat(root); err != nil {
		tb.Skip("no test collections beside the repository")
	}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !wanted(name) {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.HasPrefix(b, []byte("From ")) { // of a mailbox
			_, b, _ = bytes.Cut(b, []byte("\n"))
		}
		b = bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		// Only what both read to the end is compared: giving up is fast.
		if _, failed := fullGoMessage(b); err == nil && failed == nil && len(b) < 1<<20 {
			set = append(set, b)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// freshPosthouse parses with every body decoded into memory of its own, text as
// UTF-8, and Subject, From and To.
func freshPosthouse(text []byte) (int64, error) {
	m, err := message.ParseBytes(text)
	if err != nil {
		return 0, err
	}
	envelopeOf(m)
	var decoded int64
	for p := range m.Parts() {
		if strings.HasPrefix(p.MediaType(), "multipart/") {
			continue
		}
		var b []byte
		if strings.HasPrefix(p.MediaType(), "text/") {
			b, err = p.AppendText(nil)
		} else {
			b, err = p.AppendBody(nil)
		}
		if err != nil {
			return decoded, err
		}
		decoded += int64(len(b))
	}
	return decoded, nil
}

func envelopePosthouse(text []byte) (int64, error) {
	m, err := message.ParseBytes(text)
	if err == nil {
		envelopeOf(m)
	}
	return 0, err
}

func envelopeOf(m *message.Message) {
	h := m.Header()
	_ = h.Subject()
	_, _ = h.Addresses("From")
	_, _ = h.Addresses("To")
}

// TestMessageRatios prints how many times as fast as go-message's full parse this
// parser is, in processor time, interleaved: the median of the rounds.
func TestMessageRatios(t *testing.T) {
	if *messageRounds == 0 {
		t.Skip("see -message.rounds")
	}
	runtime.LockOSThread()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, set := range messageSets(t) {
		times := make(map[string][]float64)
		repeat := 1 + (24<<20)/max(1, total(set))
		for range *messageRounds {
			theirs := spent(set, repeat, fullGoMessage)
			for kind, parse := range map[string]func([]byte) (int64, error){"full": freshPosthouse, "structure and envelope": envelopePosthouse} {
				times[kind] = append(times[kind], float64(theirs)/float64(spent(set, repeat, parse)))
			}
		}
		for kind, list := range times {
			slices.Sort(list)
			t.Logf("%s, %s: %.1f times (%.1f to %.1f), %d messages, %d octets", name, kind, list[len(list)/2], list[0], list[len(list)-1], len(set), total(set))
		}
	}
}

func total(set [][]byte) (n int) {
	for _, b := range set {
		n += len(b)
	}
	return n
}

// spent returns the processor time of parsing the set that many times.
func spent(set [][]byte, repeat int, parse func([]byte) (int64, error)) time.Duration {
	runtime.GC()
	start := processorTime()
	for range repeat {
		for _, b := range set {
			_, _ = parse(b)
		}
	}
	return processorTime() - start
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

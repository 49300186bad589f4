package maildir

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Entry is one message of a Maildir, as its file name tells.
type Entry struct {
	// Key is the name up to the first colon or the first field, as ",S=10" is one: it
	// stays the same for the life of the message. If another message has the same, it
	// is the name up to the colon, for both.
	Key string
	// Name is the name of the file, within new or cur.
	Name string
	// New says that the message is in new: no mail reader has seen it.
	New bool
	// Flags are the ASCII letters after ":2,", sorted, each once: D draft, F flagged, P
	// passed, R replied, S seen, T trashed.
	Flags string
	// Delivered is the time in the name, or zero.
	Delivered time.Time
	// Size is the octets on disk; -1 if the file was renamed too fast to ask, and the
	// name has no ",S=".
	Size int64
	// CRLFSize is the octets that Dir.Open gives, by ",W=" in the name; -1 if the name
	// does not say, or if by its ",S=" another program has altered the file. Dir.Count
	// finds it out.
	CRLFSize int64
	// UTF8 says, by ",U=1" in the name, that the header is of UTF-8 beyond ASCII
	// (RFC 6532 section 3).
	UTF8 bool
	// Twin says that there was another file by this name up to the colon, as a crash
	// while a file is moved leaves one, or a copy that is played back. Both are one
	// message: Dir.Remove and Dir.Move look for the other one too.
	Twin bool

	vanished bool // from this name, since the folder was read
}

// parseEntry reads the name of a file of size octets, or of -1 if nobody knows. Any
// name is a message's; what cannot be understood is left at its zero or -1.
func parseEntry(name string, isNew bool, size int64) Entry {
	e := Entry{Name: name, New: isNew, Size: size, CRLFSize: -1, vanished: size < 0}
	base, info, _ := strings.Cut(name, ":")
	key, fields := cutFields(base)
	e.Key = key
	e.Delivered = deliveryTime(key)
	altered := false
	for fields != "" {
		var field string
		field, fields, _ = strings.Cut(fields, ",")
		if digits, ok := strings.CutPrefix(field, "S="); ok {
			if e.vanished {
				e.Size = parseSize(digits)
			}
			altered = parseSize(digits) != e.Size
		} else if digits, ok := strings.CutPrefix(field, "W="); ok {
			e.CRLFSize = parseSize(digits)
		} else if field == "U=1" {
			e.UTF8 = true
		}
	}
	// An octet becomes two at most, and a line may be completed.
	if altered || e.CRLFSize < e.Size || e.CRLFSize-e.Size > e.Size+2 {
		e.CRLFSize = -1
	}
	if flags, ok := strings.CutPrefix(info, "2,"); ok {
		e.Flags = sortFlags(flags)
	}
	return e
}

// cutFields cuts a name at the first comma that a field follows: capitals and an equals
// sign. Any other comma is part of the key, lest all that a person saved as "Hello,
// ..." have the same.
func cutFields(base string) (key, fields string) {
	for i := range len(base) {
		if base[i] == ',' && isField(base[i+1:]) {
			return base[:i], base[i+1:]
		}
	}
	return base, ""
}

// isField says whether a field as "S=10" begins s.
func isField(s string) bool {
	n := 0
	for n < len(s) && (s[n] >= 'A' && s[n] <= 'Z' || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n > 0 && n < len(s) && s[n] == '='
}

// base is the name up to the colon: what no change of flags changes.
func (e *Entry) base() string {
	base, _, _ := strings.Cut(e.Name, ":")
	return base
}

func (e *Entry) dir() string {
	if e.New {
		return dirNew
	}
	return dirCur
}

func (e *Entry) path() string { return e.dir() + "/" + e.Name }

// compareEntries orders by time of delivery, then by name up to the colon: a message
// keeps its place when its flags change. It gives zero for two names of one message.
func compareEntries(a, b Entry) int {
	return cmp.Or(a.Delivered.Compare(b.Delivered), strings.Compare(a.Key, b.Key), strings.Compare(a.base(), b.base()))
}

// deliveryTime reads the seconds before the first dot, and the microseconds after an M
// in the second part.
func deliveryTime(key string) time.Time {
	digits, rest, _ := strings.Cut(key, ".")
	seconds, ok := parseDigits(digits, math.MaxUint32*16)
	if !ok {
		return time.Time{}
	}
	micros := int64(0)
	if i := strings.IndexByte(rest, 'M'); i >= 0 && !strings.Contains(rest[:i], ".") {
		end := i + 1
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		micros, _ = parseDigits(rest[i+1:end], 999_999)
	}
	return time.Unix(seconds, micros*1000).UTC()
}

func parseSize(digits string) int64 {
	if n, ok := parseDigits(digits, math.MaxInt64); ok {
		return n
	}
	return -1
}

// parseDigits reads a number of digits alone.
func parseDigits(s string, limit int64) (int64, bool) {
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > limit {
		return 0, false
	}
	return n, true
}

// sortFlags gives the letters of s in ASCII order, each once.
func sortFlags(s string) string {
	letters := make([]byte, 0, len(s))
	for i := range len(s) {
		if isLetter(s[i]) {
			letters = append(letters, s[i])
		}
	}
	slices.Sort(letters)
	return string(slices.Compact(letters))
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }

// namer makes names that no other process and no other namer makes.
type namer struct {
	pid    int
	random uint64 // makes the names unique
	host   string
	seq    uint64
	last   int64 // microseconds since 1970 of the last name: names of one namer are in order whatever the clock does
}

func newNamer() *namer {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return &namer{pid: os.Getpid(), random: binary.BigEndian.Uint64(random[:]), host: hostPart(host)}
}

// next gives a name without sizes: "1700000000.M12345P678Q1R0123456789abcdef.host".
func (n *namer) next(now time.Time) string {
	n.seq++
	n.last = max(now.UnixMicro(), n.last+1, 0)
	return fmt.Sprintf("%d.M%06dP%dQ%dR%016x.%s", n.last/1e6, n.last%1e6, n.pid, n.seq, n.random, n.host)
}

// maxHost keeps a Key within the 70 octets that POP3 allows to a unique-id.
const maxHost = 20

// hostPart makes a host's name fit to stand in a file name.
func hostPart(host string) string {
	part := []byte(host)
	part = part[:min(len(part), maxHost)]
	for i, c := range part {
		if !isLetter(c) && (c < '0' || c > '9') && c != '-' && c != '.' {
			part[i] = '_'
		}
	}
	if len(part) == 0 {
		return "localhost"
	}
	return string(part)
}

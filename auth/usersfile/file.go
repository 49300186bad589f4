package usersfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultMaxBytes = 16 << 20
	defaultCheck    = time.Second

	// settled is how old a change has to be: an editor has written its file to the end
	// by then.
	settled = time.Second
)

// Config says how a file is used. The zero Config, and a nil one, are safe.
type Config struct {
	MaxBytes  int64         // octets that the file may have; 0: 16 MiB
	Check     time.Duration // the file is looked at no more often; 0: each second
	MaxHashes int           // passwords that are hashed at a time, others wait; 0: as many as there are processors

	// InsecurePermissions takes a file that others than its owner may change, or that
	// all may read. Zero refuses it with a [*PermissionError].
	InsecurePermissions bool

	// SaltKey keys the salts of what SCRAM derives of plain passwords, and who of the
	// file stands in for users who do not exist. It should be the SaltKey of the
	// auth.Server. Empty: a random key, for as long as the program runs.
	SaltKey []byte

	// Report is told when the file has changed and cannot be used: once for each change.
	// It is called by whoever logs in, or by Watch, so it must be quick. Nil:
	// slog.Default() is told.
	Report func(error)

	// Changed, if not nil, is told whose lines have changed or are gone, in order, once the
	// new file is in use: to take back what these users' logins have given. It is
	// called by whoever logs in, or by Watch.
	Changed func(users []string)
}

// File is a users file in use. Its methods may be called by any number of goroutines.
type File struct {
	name string
	cfg  Config
	key  []byte // of salts of what is derived of plain passwords, and of who stands in for whom
	work chan struct{}

	users atomic.Pointer[table]
	next  atomic.Int64 // when the file is looked at again: nanoseconds of life
	life  time.Time

	mu     sync.Mutex
	loaded state // of the file in use
	broken state // of the file that cannot be used, since it was last looked at
	why    error // what is wrong with it
}

// state tells one content of a file from another.
type state struct {
	info fs.FileInfo
	gone bool
}

// logUnusable reports a change that cannot be used: nobody else would learn of it.
func logUnusable(err error) {
	slog.Default().Error("users file cannot be used, the users are those of before", "err", err)
}

// PermissionError says that others may change a users file, or that all may read it.
type PermissionError struct {
	File string
	Mode fs.FileMode
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("usersfile: %s: mode %v lets others change it or all read it", e.File, e.Mode)
}

// Open reads a users file. Its errors are those of the system, a [*SyntaxError] and
// a [*PermissionError].
func Open(name string, cfg *Config) (*File, error) {
	f := &File{name: name, life: time.Now()}
	if cfg != nil {
		f.cfg = *cfg
	}
	if f.cfg.Report == nil {
		f.cfg.Report = logUnusable
	}
	if f.key = f.cfg.SaltKey; len(f.key) == 0 {
		f.key = make([]byte, 32)
		_, _ = rand.Read(f.key) // never fails
	}
	n := f.cfg.MaxHashes
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	f.work = make(chan struct{}, n)
	info, users, err := f.read(0)
	if err != nil {
		return nil, err
	}
	f.loaded = state{info: info}
	f.users.Store(newTable(users))
	f.later()
	return f, nil
}

// Users returns the names of all users, in order.
func (f *File) Users() []string {
	var names []string
	for _, u := range f.table().order {
		names = append(names, u.name)
	}
	return names
}

// Has reports whether there is a user of that name, which is prepared as for a
// PasswordVerifier.
func (f *File) Has(user string) bool { return f.table().users[user] != nil }

// Reload has the file looked at now, and returns why it cannot be used, if it has
// changed and cannot. The users are then those of before.
func (f *File) Reload() error {
	f.mu.Lock()
	changed, err := f.reload()
	f.mu.Unlock()
	if len(changed) > 0 && f.cfg.Changed != nil {
		f.cfg.Changed(changed)
	}
	return err
}

// table returns the users as they are now.
func (f *File) table() *table {
	if time.Since(f.life) >= time.Duration(f.next.Load()) {
		_ = f.Reload() // it has been reported
	}
	return f.users.Load()
}

// later says when to look again.
func (f *File) later() {
	check := f.cfg.Check
	if check <= 0 {
		check = defaultCheck
	}
	f.next.Store(int64(time.Since(f.life) + check))
}

// reload returns whose lines have changed. The caller holds mu.
func (f *File) reload() (changed []string, err error) {
	f.later()
	info, err := os.Stat(f.name)
	now := state{info: info, gone: err != nil}
	switch {
	case f.loaded.same(now):
		f.broken = state{}
		return nil, nil
	case f.broken.same(now):
		return nil, f.why
	}
	var users map[string]*entry
	if err == nil {
		now.info, users, err = f.read(settled)
	}
	switch {
	case errors.Is(err, errUnsettled):
		return nil, nil
	case err != nil:
		if now.info == nil {
			now.info = info
		}
		f.broken, f.why = now, err
		f.cfg.Report(err)
		return nil, err
	}
	old := f.users.Load()
	f.loaded, f.broken = now, state{}
	f.users.Store(newTable(users))
	for _, u := range old.order {
		if now := users[u.name]; now == nil || now.lines != u.lines {
			changed = append(changed, u.name)
		}
	}
	return changed, nil
}

// same reports whether both are of one content, as far as the system can tell.
func (s state) same(other state) bool {
	if s.info == nil || other.info == nil {
		return s.gone && other.gone
	}
	return os.SameFile(s.info, other.info) && s.info.Size() == other.info.Size() &&
		s.info.ModTime().Equal(other.info.ModTime()) && s.info.Mode() == other.info.Mode()
}

// errUnsettled says that a file may be in the middle of being written.
var errUnsettled = errors.New("usersfile: file is being written")

// read reads and parses the file if it is at least so old, and did not change
// meanwhile. A file from the future is old enough, or it would never be read.
func (f *File) read(age time.Duration) (fs.FileInfo, map[string]*entry, error) {
	if info, err := os.Stat(f.name); err != nil || !info.Mode().IsRegular() { // before it is opened: a pipe would wait
		return info, nil, errors.Join(err, f.notAFile(info))
	}
	file, err := os.Open(f.name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if since := time.Since(info.ModTime()); since >= 0 && since < age {
		return info, nil, errUnsettled
	}
	if err := f.check(info); err != nil {
		return info, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, f.maxBytes()+1))
	if err != nil {
		return info, nil, err
	}
	after, err := file.Stat()
	switch {
	case err != nil:
		return info, nil, err
	case int64(len(text)) > f.maxBytes():
		return info, nil, fmt.Errorf("usersfile: %s: larger than %d octets", f.name, f.maxBytes())
	case age > 0 && !(state{info: info}).same(state{info: after}):
		return info, nil, errUnsettled
	}
	users, err := parse(f.name, text)
	return info, users, err
}

func (f *File) notAFile(info fs.FileInfo) error {
	if info == nil {
		return nil
	}
	return fmt.Errorf("usersfile: %s: not a regular file", f.name)
}

// check refuses a file that is not its owner's alone. Windows has no such modes.
func (f *File) check(info fs.FileInfo) error {
	if f.cfg.InsecurePermissions || !isOpen(info) {
		return nil
	}
	return &PermissionError{File: f.name, Mode: info.Mode()}
}

func isOpen(info fs.FileInfo) bool {
	const others = 0o026 // group and others may write, others may read
	return runtime.GOOS != "windows" && info.Mode().Perm()&others != 0
}

func (f *File) maxBytes() int64 {
	if f.cfg.MaxBytes <= 0 {
		return defaultMaxBytes
	}
	return f.cfg.MaxBytes
}

// table is one content of a file.
type table struct {
	users map[string]*entry
	order []*entry // by name
	scram [4]scram // by auth.SCRAMHash
}

func newTable(users map[string]*entry) *table {
	t := &table{users: users}
	for _, u := range users {
		t.order = append(t.order, u)
	}
	slices.SortFunc(t.order, func(a, b *entry) int { return compareNames(a, b) })
	for hash := range t.scram {
		t.scram[hash] = paramsOf(t.order, hash)
	}
	return t
}

package layers

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/posthouse/posthouse"

// root is the module's folder as seen from this test.
const root = "../.."

// floors says on which floor a package stands. A package imports only from
// lower floors. The key "x/..." covers every package below x.
var floors = map[string]int{
	"internal/ascii":    0, // its letters are those of all of them
	"internal/textwire": 1,
	"internal/elastic":  1,
	"smtp/smtpwire":     1,
	"pop3/pop3wire":     1,

	"auth":                2,
	"internal/conn":       2,
	"internal/testpeer":   2,
	"internal/transcript": 2,
	"internal/serve":      2,

	"smtp":          3,
	"smtp/smtptest": 3,
	"pop3":          3,
	"pop3/pop3test": 3,
	"message":       3,

	"message/gomessage":            4,
	"message/maildir":              4,
	"message/report":               4,
	"auth/popbefore":               4,
	"auth/usersfile":               4,
	"auth/popbefore/popbeforetest": 4,

	"pop3/maildrop": 6,

	"examples/...": 7,
	".":            8, // doc.go alone: it imports nothing, and nothing imports it

	"internal/testnet":   tests,
	"internal/rfc/...":   tests,
	"internal/rfc":       tests,
	"internal/storm/...": tests,
	"internal/storm":     tests,
	"internal/layers":    tests,
	"internal/bombs":     tests,
}

// tests marks packages beside the stack, which only tests and other such
// packages may import.
const tests = -1

// sameFloor lists the imports within one floor that are meant.
var sameFloor = map[[2]string]string{
	{"smtp/smtptest", "smtp"}:                          "a test server is the real one with a recorder",
	{"pop3/pop3test", "pop3"}:                          "a test server is the real one with a scripted store",
	{"internal/testpeer", "internal/transcript"}:       "a scripted server plays dialogues in the RFCs' notation",
	{"auth/popbefore/popbeforetest", "auth/popbefore"}: "the suite that its Store must pass",
	{"examples/...", "examples/..."}:                   "programs share their assembly below examples/internal",
}

// forbidden lists what a package must not import although its floor, or the
// standard library, would let it.
var forbidden = []struct{ from, imports, why string }{
	{"internal/textwire", "net", "codecs do no I/O of their own: they are fuzzed and read without a network"},
	{"smtp/smtpwire", "net", "codecs do no I/O of their own: they are fuzzed and read without a network"},
	{"pop3/pop3wire", "net", "codecs do no I/O of their own: they are fuzzed and read without a network"},
	{"internal/textwire", "time", "codecs have no clock"},
	{"smtp/smtpwire", "time", "codecs have no clock"},
	{"pop3/pop3wire", "time", "codecs have no clock"},
	{"internal/textwire", "crypto/tls", "codecs do not know what carries them"},
	{"smtp/smtpwire", "crypto/tls", "codecs do not know what carries them"},
	{"pop3/pop3wire", "crypto/tls", "codecs do not know what carries them"},
	{"internal/textwire", "log/slog", "codecs report by errors alone"},
	{"smtp/smtpwire", "log/slog", "codecs report by errors alone"},
	{"pop3/pop3wire", "log/slog", "codecs report by errors alone"},
	{"auth", "smtp/smtpwire", "what the protocols share knows none of them"},
	{"auth", "pop3/pop3wire", "what the protocols share knows none of them"},
	{"auth/popbefore", "smtp", "POP before SMTP observes logins and answers a question; it speaks neither protocol"},
	{"auth/popbefore", "pop3", "POP before SMTP observes logins and answers a question; it speaks neither protocol"},
	{"auth/usersfile", "smtp", "the users are the same in every protocol"},
	{"auth/usersfile", "pop3", "the users are the same in every protocol"},
	{"message/maildir", "smtp", "the Maildir format serves every protocol"},
	{"message/maildir", "pop3", "the Maildir format serves every protocol"},
	{"smtp", "pop3/pop3wire", "the protocols are independent"},
	{"pop3", "smtp/smtpwire", "the protocols are independent"},
	{"message", "auth", "reading a message needs no connection"},
	{"*", "net/textproto", "its line and dot readers end lines at a bare LF"},
	{"*", "net/smtp", "this module is what one uses instead"},
	{"*", "unsafe", "no speed is worth it here"},
	{"*", "reflect", "plain code is faster and can be read"},
}

// dependencies are the modules that go.mod may name, and who may import them.
var dependencies = map[string]func(pkg string, test bool) bool{
	"github.com/emersion/go-sasl":    func(pkg string, _ bool) bool { return pkg == "auth" || pkg == "smtp" || pkg == "pop3" },
	"github.com/emersion/go-message": func(pkg string, _ bool) bool { return strings.HasPrefix(pkg, "message") },
	"golang.org/x/crypto":            func(pkg string, _ bool) bool { return pkg == "auth/usersfile" }, // bcrypt and argon2 alone
	"golang.org/x/text":              func(pkg string, _ bool) bool { return pkg == "auth" || strings.HasPrefix(pkg, "message") },
	"github.com/stretchr/testify":    func(_ string, test bool) bool { return test },
}

type importing struct {
	pkg     string // folder below the module's root
	file    string
	test    bool
	imports []string
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		for _, imp := range f.imports {
			if why := refusal(f, imp); why != "" {
				t.Errorf("%s imports %s: %s", f.file, imp, why)
			}
		}
	}
}

func TestEveryPackageHasAFloorAndADoc(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		_, known := floorOf(f.pkg)
		require.True(t, known, "package %s stands on no floor: add it to the table and to the picture in doc.go", f.pkg)
		ast, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, f.file), nil, parser.PackageClauseOnly|parser.ParseComments)
		require.NoError(t, err)
		documented[f.pkg] = documented[f.pkg] || ast.Doc != nil
	}
	for pkg, ok := range documented {
		require.True(t, ok, "package %s has no package comment", pkg)
	}
}

// TestPictureIsTrue keeps the drawing in the root's doc.go and the table of
// floors the same: every package that exists is drawn, and nothing else.
func TestPictureIsTrue(t *testing.T) {
	t.Parallel()
	picture, err := os.ReadFile(filepath.Join(root, "doc.go"))
	require.NoError(t, err)
	existing := map[string]bool{}
	for _, f := range sources(t) {
		existing[f.pkg] = true
	}
	for pkg := range floors {
		name := strings.TrimSuffix(pkg, "/...")
		if pkg == "." {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(keys(existing)), func(p string) bool { return p == name || strings.HasPrefix(p, name+"/") }) {
			t.Errorf("the table names %s, which does not exist", name)
		}
		require.Contains(t, string(picture), path.Base(name), "doc.go does not draw %s", name)
	}
}

func TestDependenciesAreTheAgreedOnes(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[0] == "replace" {
			t.Error("go.mod: a replace directive would not reach those who import this module")
		}
		i := slices.IndexFunc(fields, func(f string) bool { return strings.Contains(f, ".") && strings.Contains(f, "/") })
		if i < 0 || fields[0] == "module" || slices.Contains(fields, "indirect") {
			continue
		}
		require.Contains(t, dependencies, fields[i], "go.mod: a new dependency in the core: the answer is no")
	}
}

// TestKeywordsFoldByASCII keeps folding by Unicode out of the library. The programs below
// examples may fold the names of their users as they like.
func TestKeywordsFoldByASCII(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if f.test || keyOf(f.pkg) == "examples/..." {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, f.file))
		require.NoError(t, err)
		for _, call := range []string{"strings.EqualFold(", "bytes.EqualFold("} {
			require.NotContains(t, string(text), call, "%s: internal/ascii folds letters and nothing else", f.file)
		}
	}
}

// refusal says why file f must not import imp, or "" when it may.
func refusal(f importing, imp string) string {
	for _, rule := range forbidden {
		if imp == rule.imports || imp == module+"/"+rule.imports {
			if rule.from == f.pkg && !f.test || rule.from == "*" && !f.test {
				return rule.why
			}
		}
	}
	for dep, allowed := range dependencies {
		if (imp == dep || strings.HasPrefix(imp, dep+"/")) && !allowed(f.pkg, f.test) {
			return "this dependency is not for this package"
		}
	}
	target, ours := strings.CutPrefix(imp, module+"/")
	if !ours || f.test || target == f.pkg {
		return "" // tests may look at anything
	}
	from, _ := floorOf(f.pkg)
	to, _ := floorOf(target)
	switch {
	case to == tests && from != tests:
		return "it stands beside the stack, for tests only"
	case from == tests || to < from:
		return ""
	case sameFloor[[2]string{keyOf(f.pkg), keyOf(target)}] != "":
		return ""
	case to == from:
		return "both stand on floor " + strconv.Itoa(to) + ", and packages of one floor are independent"
	}
	return "it stands on floor " + strconv.Itoa(to) + ", above floor " + strconv.Itoa(from)
}

func floorOf(pkg string) (int, bool) {
	floor, ok := floors[keyOf(pkg)]
	return floor, ok
}

// keyOf returns the row of the table of floors that covers pkg.
func keyOf(pkg string) string {
	if _, ok := floors[pkg]; ok {
		return pkg
	}
	for dir := pkg; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if _, ok := floors[dir+"/..."]; ok {
			return dir + "/..."
		}
	}
	return pkg
}

func keys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// sources reads the import clauses of every Go file of the module; folders
// with a go.mod of their own are other modules.
func sources(t *testing.T) []importing {
	t.Helper()
	var out []importing
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(name, d)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		ast, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f := importing{pkg: filepath.ToSlash(filepath.Dir(rel)), file: filepath.ToSlash(rel), test: strings.HasSuffix(name, "_test.go")}
		for _, spec := range ast.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imp)
		}
		out = append(out, f)
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, out)
	return out
}

// enter skips what the go command does not read, and nested modules.
func enter(name string, d fs.DirEntry) error {
	base := d.Name()
	if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
		return filepath.SkipDir
	}
	if name != root {
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
			return filepath.SkipDir
		}
	}
	return nil
}

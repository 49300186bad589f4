package storm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// load reads the inputs of a target that the fuzzer has kept below folder.
func load(tb testing.TB, folder string) (corpus [][]any) {
	tb.Helper()
	if folder == "" {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(folder, tb.Name(), "*"))
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		args, ok := parse(string(text))
		if !ok {
			tb.Fatalf("%s: not an input of the fuzzer", file)
		}
		corpus = append(corpus, args)
	}
	return corpus
}

// parse reads the format "go test fuzz v1": a line type(literal) for each argument.
func parse(text string) (args []any, ok bool) {
	text, ok = strings.CutPrefix(text, "go test fuzz v1\n")
	for line := range strings.Lines(text) {
		kind, literal, found := strings.Cut(strings.TrimSuffix(line, "\n"), "(")
		literal, closed := strings.CutSuffix(literal, ")")
		arg, known := value(kind, literal)
		ok = ok && found && closed && known
		args = append(args, arg)
	}
	return args, ok && len(args) > 0
}

func value(kind, literal string) (any, bool) {
	switch kind {
	case "[]byte":
		s, err := strconv.Unquote(literal)
		return []byte(s), err == nil
	case "string":
		s, err := strconv.Unquote(literal)
		return s, err == nil
	case "bool":
		return literal == "true", true
	case "byte", "uint8":
		if quoted, ok := strings.CutPrefix(literal, "'"); ok {
			c, _, rest, err := strconv.UnquoteChar(quoted, '\'')
			return uint8(c), err == nil && rest == "'"
		}
		n, err := strconv.ParseUint(literal, 0, 8)
		return uint8(n), err == nil
	case "uint16":
		n, err := strconv.ParseUint(literal, 0, 16)
		return uint16(n), err == nil
	case "int":
		n, err := strconv.Atoi(literal)
		return n, err == nil
	case "int64":
		n, err := strconv.ParseInt(literal, 0, 64)
		return n, err == nil
	}
	return nil, false
}

// fits reports whether args are of the types that others are of.
func fits(args, others []any) bool {
	return slices.EqualFunc(args, others, func(a, b any) bool { return fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b) })
}

// format writes the format that parse reads.
func format(args []any) string {
	var b strings.Builder
	b.WriteString("go test fuzz v1\n")
	for _, arg := range args {
		switch arg.(type) {
		case []byte:
			fmt.Fprintf(&b, "[]byte(%q)\n", arg)
		case string:
			fmt.Fprintf(&b, "string(%q)\n", arg)
		default:
			fmt.Fprintf(&b, "%T(%v)\n", arg, arg)
		}
	}
	return b.String()
}

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/internal/rfc"
)

// schema is the source with many mutants in it at once, of which an environment
// variable chooses one when a test binary runs: one build serves them all.
//
// A mutant in a function becomes a second function, which the first calls when it is
// chosen:
//
//	func (s *session) rset(args []byte) smtpwire.Reply { if rfcMutant == 7 { return s.rset_rfc7(args) }; ...
//
// and one in the value of a variable becomes a second value:
//
//	var commands = rfcChoose([]int{7}, [...]command{...}, [...]command{...})
//
// What does not fit these forms is built by itself.
type schema struct {
	dir     string
	files   map[string]*patched // by the file's path below the module's root
	mutants map[int]rfc.Mutant
}

// variable names the environment variable that chooses a mutant by its number.
const variable = "RFC_MUTANT"

// insertion is text to be put into a file at an offset.
type insertion struct {
	at   int
	text string
}

// patched is one file of the schema.
type patched struct {
	name   string
	source string
	tree   *ast.File
	fset   *token.FileSet
	inline []insertion
	values map[*ast.ValueSpec]map[int]string
	extra  map[int]string // further functions, by mutant
}

// add takes m into the schema as number n, and reports whether it fits.
func (s *schema) add(n int, m rfc.Mutant) bool {
	f, err := s.file(m.File)
	if err != nil {
		return false
	}
	at := strings.Index(f.source, m.Old)
	if at < 0 || strings.Count(f.source, m.Old) != 1 {
		return false
	}
	if !f.addFunc(n, m, at) && !f.addValue(n, m, at) {
		return false
	}
	s.mutants[n] = m
	return true
}

func (s *schema) file(name string) (*patched, error) {
	if f := s.files[name]; f != nil {
		return f, nil
	}
	source, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	f := &patched{
		name: name, source: string(source), fset: token.NewFileSet(),
		values: map[*ast.ValueSpec]map[int]string{}, extra: map[int]string{},
	}
	if f.tree, err = parser.ParseFile(f.fset, name, source, 0); err != nil {
		return nil, err
	}
	s.files[name] = f
	return f, nil
}

func (f *patched) offset(p token.Pos) int { return f.fset.Position(p).Offset }

// within reports whether the mutant's old text at an offset lies in a node's body.
func (f *patched) within(at int, m rfc.Mutant, from, to token.Pos) bool {
	return f.offset(from) <= at && at+len(m.Old) <= f.offset(to)
}

// mutated returns the text of a node with the mutant applied.
func (f *patched) mutated(at int, m rfc.Mutant, from, to token.Pos) string {
	return f.source[f.offset(from):at] + m.New + f.source[at+len(m.Old):f.offset(to)]
}

func (f *patched) addFunc(n int, m rfc.Mutant, at int) bool {
	for _, d := range f.tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || !f.within(at, m, fn.Body.Lbrace, fn.End()) {
			continue
		}
		call, ok := callOf(fn, n)
		if !ok {
			return false
		}
		name := fn.Name.End()
		text := f.source[f.offset(fn.Pos()):f.offset(name)] + suffix(n) + f.mutated(at, m, name, fn.End())
		if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+text, 0); err != nil {
			return false
		}
		f.extra[n] = text
		f.inline = append(f.inline, insertion{f.offset(fn.Body.Lbrace) + 1, call})
		return true
	}
	return false
}

func suffix(n int) string { return "_rfc" + strconv.Itoa(n) }

// callOf returns the statement that hands a function's call on to its mutant.
func callOf(fn *ast.FuncDecl, n int) (string, bool) {
	var b strings.Builder
	fmt.Fprintf(&b, " if rfcMutant == %d { ", n)
	if fn.Type.Results != nil {
		b.WriteString("return ")
	}
	if fn.Recv != nil {
		names := fn.Recv.List[0].Names
		if len(names) == 0 || names[0].Name == "_" {
			return "", false
		}
		b.WriteString(names[0].Name + ".")
	}
	b.WriteString(fn.Name.Name + suffix(n) + "(")
	for _, field := range fn.Type.Params.List {
		if len(field.Names) == 0 {
			return "", false
		}
		for _, name := range field.Names {
			if name.Name == "_" {
				return "", false
			}
			b.WriteString(name.Name)
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				b.WriteString("...")
			}
			b.WriteString(", ")
		}
	}
	b.WriteString(")")
	if fn.Type.Results == nil {
		b.WriteString("; return")
	}
	b.WriteString(" };")
	return b.String(), true
}

func (f *patched) addValue(n int, m rfc.Mutant, at int) bool {
	for _, d := range f.tree.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			v := spec.(*ast.ValueSpec)
			if len(v.Values) != 1 || len(v.Names) != 1 || !f.within(at, m, v.Values[0].Pos(), v.Values[0].End()) {
				continue
			}
			if f.values[v] == nil {
				f.values[v] = map[int]string{}
			}
			f.values[v][n] = f.mutated(at, m, v.Values[0].Pos(), v.Values[0].End())
			return true
		}
	}
	return false
}

// drop takes mutant n out again, and reports whether it was in.
func (s *schema) drop(n int) bool {
	m, ok := s.mutants[n]
	if !ok {
		return false
	}
	delete(s.mutants, n)
	f := s.files[m.File]
	delete(f.extra, n)
	f.inline = slices.DeleteFunc(f.inline, func(i insertion) bool { return strings.HasPrefix(i.text, fmt.Sprintf(" if rfcMutant == %d {", n)) })
	for _, alternatives := range f.values {
		delete(alternatives, n)
	}
	return true
}

// render returns the file, and whose mutant each of its lines below the original is.
func (f *patched) render() (text string, owners map[int]int) {
	insertions := slices.Clone(f.inline)
	var trailer bytes.Buffer
	line := strings.Count(f.source, "\n") + 2
	owners = map[int]int{}
	put := func(n int, text string) {
		for range strings.Count(text, "\n") + 1 {
			owners[line] = n
			line++
		}
		trailer.WriteString("\n" + text)
	}
	for _, n := range slices.Sorted(maps.Keys(f.extra)) {
		put(n, f.extra[n])
	}
	for v, alternatives := range f.values {
		if len(alternatives) == 0 {
			continue
		}
		// The value's lines stay where they are; its alternatives become variables.
		var ids, names strings.Builder
		for _, n := range slices.Sorted(maps.Keys(alternatives)) {
			fmt.Fprintf(&ids, "%d, ", n)
			fmt.Fprintf(&names, ", %s%s", v.Names[0].Name, suffix(n))
			typ := ""
			if v.Type != nil {
				typ = " " + f.source[f.offset(v.Type.Pos()):f.offset(v.Type.End())]
			}
			put(n, "var "+v.Names[0].Name+suffix(n)+typ+" = "+alternatives[n])
		}
		insertions = append(insertions,
			insertion{f.offset(v.Values[0].Pos()), "rfcChoose([]int{" + ids.String() + "}, "},
			insertion{f.offset(v.Values[0].End()), names.String() + ")"})
	}
	slices.SortStableFunc(insertions, func(a, b insertion) int { return cmp.Compare(a.at, b.at) })
	var out strings.Builder
	from := 0
	for _, i := range insertions {
		out.WriteString(f.source[from:i.at] + i.text)
		from = i.at
	}
	out.WriteString(f.source[from:] + trailer.String() + "\n")
	return out.String(), owners
}

const chooser = `
import (
	"os"
	"strconv"
)

var rfcMutant = func() int { n, _ := strconv.Atoi(os.Getenv("` + variable + `")); return n }()

func rfcChoose[T any](ids []int, original T, mutated ...T) T {
	for i, id := range ids {
		if id == rfcMutant {
			return mutated[i]
		}
	}
	return original
}
`

// write puts the schema and its overlay into its directory. It returns the overlay's
// name, and which mutant owns which line of which written file.
func (s *schema) write() (name string, owners map[string]map[int]int, err error) {
	replace := map[string]string{}
	owners = map[string]map[int]int{}
	var errs []error
	for _, f := range s.files {
		abs, err := filepath.Abs(f.name)
		text, lines := f.render()
		file := filepath.Join(s.dir, strings.ReplaceAll(f.name, "/", "_"))
		errs = append(errs, err, os.WriteFile(file, []byte(text), 0o600))
		replace[abs] = file
		owners[file] = lines

		abs = filepath.Join(filepath.Dir(abs), "rfc_mutant_schema.go")
		file = filepath.Join(s.dir, strings.ReplaceAll(filepath.ToSlash(filepath.Dir(f.name)), "/", "_")+"_rfc_mutant_schema.go")
		errs = append(errs, os.WriteFile(file, []byte("package "+f.tree.Name.Name+"\n"+chooser), 0o600))
		replace[abs] = file
	}
	plan, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	name = filepath.Join(s.dir, "overlay.json")
	return name, owners, errors.Join(append(errs, err, os.WriteFile(name, plan, 0o600))...)
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// listed is a package with tests, as go list tells of it.
type listed struct {
	path, dir string
	files     []string
}

// target is a fuzz target.
type target struct {
	pkg  *listed
	name string
}

// find returns the targets of packages whose name is wanted, in the order of go list.
func find(packages []string, wanted *regexp.Regexp) ([]target, error) {
	all, err := list(packages)
	if err != nil {
		return nil, err
	}
	var targets []target
	for _, pkg := range all {
		for _, file := range pkg.files {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			for _, decl := range f.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") && wanted.MatchString(fn.Name.Name) {
					targets = append(targets, target{pkg, fn.Name.Name})
				}
			}
		}
	}
	return targets, nil
}

func list(packages []string) ([]*listed, error) {
	out, err := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles"}, packages...)...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("go list: %s", exit.Stderr)
	}
	if err != nil {
		return nil, err
	}
	var all []*listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, &listed{p.ImportPath, p.Dir, append(p.TestGoFiles, p.XTestGoFiles...)})
	}
}

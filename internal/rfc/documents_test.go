package rfc

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDocumentErrors(t *testing.T) {
	t.Parallel()
	const head = "number\ttitle\tpackages\n"
	for name, text := range map[string]string{
		"head":     "number\n",
		"columns":  head + "1\tx\n",
		"no title": head + "1\t\tx\n",
		"order":    head + "2\tx\t\n1\tx\t\n",
		"twice":    head + "1\tx\t\n1\tx\t\n",
	} {
		_, err := parseDocuments(text)
		require.Error(t, err, name)
	}
}

// TestDocTable holds the list in the root's doc.go to the documents.
func TestDocTable(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../doc.go", "// # RFCs\n//\n", "package posthouse\n"
	list, err := Documents()
	require.NoError(t, err)
	hold(t, file, begin, end, Comment(list))
}

// TestDocumentsOfTheLedger: what the ledger judges has a title.
func TestDocumentsOfTheLedger(t *testing.T) {
	t.Parallel()
	list, err := Documents()
	require.NoError(t, err)
	ledger, err := Ledger()
	require.NoError(t, err)
	for _, s := range ledger {
		i := slices.IndexFunc(list, func(d Document) bool { return "rfc"+d.Number == s.RFC() })
		require.GreaterOrEqual(t, i, 0, "rfcs.tsv lacks %s", s.RFC())
	}
}

// TestCitations holds comments to the documents, both ways: an RFC that a comment obeys
// is among them, and the packages that a document names have such a comment.
func TestCitations(t *testing.T) {
	t.Parallel()
	list, err := Documents()
	require.NoError(t, err)
	obeyed := regexp.MustCompile(`RFC (\d+) section`)
	named := regexp.MustCompile(`RFC[ -]?(\d+)\b`)
	where := map[string][]string{} // the folders that name an RFC
	err = filepath.WalkDir("../..", func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(filepath.ToSlash(name), "../../")
		for _, m := range obeyed.FindAllSubmatch(text, -1) {
			if !slices.ContainsFunc(list, func(d Document) bool { return d.Number == string(m[1]) && len(d.Packages) > 0 }) {
				t.Errorf("%s obeys RFC %s, which rfcs.tsv lacks", name, m[1])
			}
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			where[string(m[1])] = append(where[string(m[1])], name)
		}
		return nil
	})
	require.NoError(t, err)
	for _, d := range list {
		for _, pkg := range d.Packages {
			if !slices.ContainsFunc(where[d.Number], func(name string) bool { return strings.HasPrefix(name, pkg+"/") }) {
				t.Errorf("rfcs.tsv sends the reader of RFC %s to %s, which does not name it", d.Number, pkg)
			}
		}
	}
}

package rfc

import (
	"slices"
	"testing"
)

// AttrKey is the key under which Covers records an id in a test's attributes,
// where `go test -json` shows it beside the verdict.
const AttrKey = "rfc"

// maxCovers bounds the ids of one test: a test that claims to check everything
// shows nothing when it fails.
const maxCovers = 5

// Covers says that the running test or subtest checks the statements of the
// ledger with these ids. It fails the test on an id that the ledger does not
// have, on one that the ledger takes out of the reckoning, and on more than
// five ids.
func Covers(t testing.TB, ids ...string) {
	t.Helper()
	ledger, err := Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) == 0 || len(ids) > maxCovers {
		t.Fatalf("rfc: a test claims 1 to %d statements, not %d", maxCovers, len(ids))
	}
	for _, id := range ids {
		i := slices.IndexFunc(ledger, func(s Statement) bool { return s.ID == id })
		switch {
		case i < 0:
			t.Fatalf("rfc: the ledger has no statement %s", id)
		case ledger[i].Status == NotApplicable:
			t.Fatalf("rfc: the ledger says that %s does not apply: %s", id, ledger[i].Reason)
		}
		t.Attr(AttrKey, id)
	}
}

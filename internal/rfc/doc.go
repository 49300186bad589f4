// Package rfc holds a ledger of the normative statements of the RFCs that this
// module speaks, and lets a test say which of them it checks.
//
// ledger.tsv has a row a statement: its id (rfcNNNN-SECTION-ORDINAL), its level
// as the RFC prints it, the role it binds, and a status with a reason in our own
// words. The status is empty (open), "na" (not a library's matter, or of an
// extension that is not offered) or "deviates" (not followed, and why). No
// sentence of an RFC is in it: the id leads there.
//
// A claim is not a proof. mutants/ID.mut, or mutants/ID.FACE.mut where client and
// server each have a duty, breaks exactly that statement by one search and
// replace:
//
//	file: internal/textwire/dot.go
//	<<<<
//	the old text, which occurs exactly once
//	====
//	the new text
//	>>>>
//
// and a statement counts as proven only when, with the mutant in place, a test
// that claims the statement fails while most of its package still passes:
//
//	go run ./internal/rfc/cmd/rfccov -prove
//
// rfcs.tsv names the RFCs, with the packages in which to read how they are obeyed. The
// table of the README and the list in the root's doc.go are made of both files by
//
//	go test ./internal/rfc -update
//
// and the test without -update fails while they are stale, or while a comment obeys an
// RFC that is not there.
package rfc

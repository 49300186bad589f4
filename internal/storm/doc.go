// Package storm runs fuzz targets many times in one process, for tests only.
//
// The fuzzer of package testing looks at the coverage of each execution, which
// finds the inputs that matter and costs most of the time. A target that is made
// by [New] is an ordinary fuzz target for it. With the flag -storm it is executed
// a given number of times instead, on mutants of its seeds and of the corpus that
// the fuzzer has collected, some ten times as fast; -storm.time gives it so long:
//
//	go test ./smtp/smtpwire -run '^FuzzCommand$' -storm 20000000 \
//		-storm.corpus $(go env GOCACHE)/fuzz/github.com/posthouse/posthouse/smtp/smtpwire
//
// An input that fails is shown as the fuzzer would keep it. Under a name that says what
// it showed, below testdata/fuzz, it is a seed for both from then on.
//
// The command internal/storm/cmd/storm executes the targets of all packages.
package storm

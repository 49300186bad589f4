// Package storm runs fuzz targets many times in one process, for tests only.
//
// The fuzzer of package testing looks at the coverage of each execution, which
// finds the inputs that matter and costs most of the time. A target that is made
// by [New] is an ordinary fuzz target for it. With the flag -storm it is executed
// a given number of times instead, on mutants of its seeds and of the corpus that
// the fuzzer has collected, some ten times as fast:
//
//	go test ./smtp/smtpwire -run '^FuzzCommand$' -storm 20000000 \
//		-storm.corpus $(go env GOCACHE)/fuzz/github.com/posthouse/posthouse/smtp/smtpwire
package storm

// Package popbeforetest shows whether a popbefore.Store keeps the rules: [TestStore]
// is for the tests of whoever writes one.
package popbeforetest

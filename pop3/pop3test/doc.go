// Package pop3test helps to test programs that speak POP3.
//
// [TestStore] is the suite that every implementation of [pop3.Store] should
// pass, and [Store] one in memory that does.
package pop3test

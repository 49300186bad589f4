//go:build !unix

package maildir

const nonblock = 0 // nobody can put a pipe into a folder

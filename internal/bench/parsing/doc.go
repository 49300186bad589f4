// Package parsing has the parsers of messages that are compared, and the sets of messages
// that they are compared on.
package parsing

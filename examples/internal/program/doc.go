// Package program holds what the example programs do alike: the line that says a
// server is ready, signals, certificates, and the flags that name TLS modes.
package program

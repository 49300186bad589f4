// Package proc runs the programs that are measured, each as a process of its
// own, and measures them from outside: processor time to the nanosecond, and
// resident memory, of a process and all its descendants. It needs Linux.
package proc

// Package work has servers do what is measured, and measures it.
package work

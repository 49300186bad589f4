// Package layers holds no code: its test reads the import graph of the module
// and fails, with the reason, when a package reaches for one that stands on
// its own floor or above it. The floors are drawn in the doc.go of the module's
// root, and the table in layers_test.go is that picture for machines.
package layers

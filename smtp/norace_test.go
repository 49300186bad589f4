//go:build !race

package smtp_test

const race = false

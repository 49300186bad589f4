//go:build !race

package conn

const race = false

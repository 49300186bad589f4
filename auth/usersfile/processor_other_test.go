//go:build !unix

package usersfile_test

import "time"

var begun = time.Now()

func processor() time.Duration { return time.Since(begun) }

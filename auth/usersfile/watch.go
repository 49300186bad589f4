package usersfile

import (
	"context"
	"time"
)

// Watch looks at the file again and again until ctx ends. Without it the file is looked at
// when somebody logs in, which is soon enough unless Config.Changed takes something back.
func (f *File) Watch(ctx context.Context) {
	check := f.cfg.Check
	if check <= 0 {
		check = defaultCheck
	}
	tick := time.NewTicker(check)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = f.Reload() // it has been reported
		case <-ctx.Done():
			return
		}
	}
}

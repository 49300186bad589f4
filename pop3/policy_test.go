package pop3

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The memory of logins does not grow without end, and forgets first those whose
// wait is over.
func TestLoginsAreBounded(t *testing.T) {
	t.Parallel()
	var l logins
	now := time.Unix(1e9, 0)
	l.note("never", now, 0)
	require.Empty(t, l.until)
	for i := range maxLogins {
		l.note(fmt.Sprint("old", i), now, time.Second)
	}
	require.True(t, l.early("old0", now))
	later := now.Add(time.Minute)
	for i := range maxLogins {
		l.note(fmt.Sprint("new", i), later, time.Hour)
	}
	require.LessOrEqual(t, l.until.Len(), maxLogins)
	require.False(t, l.early("old0", now), "forgotten")
	require.True(t, l.early("new0", later))
	for i := range maxLogins {
		l.note(fmt.Sprint("newer", i), later, time.Hour)
		require.LessOrEqual(t, l.until.Len(), maxLogins)
	}
	require.GreaterOrEqual(t, l.until.Len(), maxLogins/2)

	muchLater := later.Add(time.Hour)
	for range maxLogins / (forgotten - 1) {
		l.note("tim", muchLater, time.Hour)
	}
	require.LessOrEqual(t, l.until.Len(), forgotten, "those who come later do away with them")
	require.True(t, l.early("tim", muchLater))
}

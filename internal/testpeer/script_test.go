package testpeer

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// complaining is a test that keeps what it is told.
type complaining struct {
	testing.TB
	complaints []string
}

func (c *complaining) Helper()        {}
func (c *complaining) Error(a ...any) { c.complaints = append(c.complaints, fmt.Sprint(a...)) }

func (c *complaining) Errorf(f string, a ...any) {
	c.complaints = append(c.complaints, fmt.Sprintf(f, a...))
}

// What departs from the dialogue, or goes beyond it, is told to the test.
func TestScript_Departure(t *testing.T) {
	t.Parallel()
	tb := &complaining{TB: t}
	s := NewScript(tb, "mytest", "mx.example.org", "mx.example.org:25", "S: 220 hi\nC: HELO a\n")
	nc, err := s.Dial(t.Context())
	require.NoError(t, err)
	_, err = io.WriteString(nc, "EHLO a\r\n")
	require.NoError(t, err)
	said, err := io.ReadAll(nc)
	require.NoError(t, err)
	require.Equal(t, "220 hi\r\n", string(said))
	s.played.Wait()
	_, err = s.Dial(t.Context())
	require.Error(t, err)
	require.Len(t, tb.complaints, 2)
	require.Contains(t, tb.complaints[0], `got "EHLO a\r\n", want "HELO a\r\n"`)
	require.Equal(t, "mytest: a connection more than there are dialogues", tb.complaints[1])
}

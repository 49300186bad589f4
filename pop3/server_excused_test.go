package pop3_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// TestNoMessageHidesThoseBehindIt: a client that cannot be given some messages is not
// sent away for asking, however many they are: it would never come to those behind
// them, nor to QUIT.
func TestNoMessageHidesThoseBehindIt(t *testing.T) {
	t.Parallel()
	const many = 100
	for _, tt := range []struct {
		name, refusal string
		change        func(d *dropStore, uid string)
		message       func(context.Context, pop3.Info) (io.ReadCloser, error)
	}{
		{
			name: "those that need UTF8", refusal: "-ERR [UTF8] message needs the command UTF8 first",
			change: func(d *dropStore, uid string) { d.unicode[uid] = true },
		},
		{
			name: "those that the store cannot read", refusal: "-ERR [SYS/TEMP] message cannot be read now",
			change: func(*dropStore, string) {},
			message: func(context.Context, pop3.Info) (io.ReadCloser, error) {
				return nil, errDisk
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := serverTest(t, func(_ *pop3.Server, d *dropStore) {
				d.unicode, d.message = map[string]bool{}, tt.message
				for i := range many {
					uid := fmt.Sprint("uid-", i)
					d.drops["mrose"] = append(d.drops["mrose"], mail{uid, "Subject: x\r\n"})
					tt.change(d, uid)
				}
			}).login(t)
			for i := range many {
				p.want(t, fmt.Sprint("RETR ", 3+i), tt.refusal)
				p.want(t, fmt.Sprintf("TOP %d 0", 3+i), tt.refusal)
			}
			p.want(t, "DELE 1", "+OK message 1 deleted")
			require.Regexp(t, `^\+OK POP3 server signing off`, p.say(t, "QUIT"))
		})
	}
}

// TestWrongNumbersAreNotCounted: a client whose count is wrong learns of each message
// that it is not there, though one that pipelines asks again for the first of them.
func TestWrongNumbersAreNotCounted(t *testing.T) {
	t.Parallel()
	r := serverTest(t, nil)
	cfg := withAuth(auth.InsecurePassword("mrose", "tanstaaf"))
	c, err := pop3.NewClient(t.Context(), r.dial(t), "dewey", &cfg)
	require.NoError(t, err)
	require.True(t, c.Pipelining())
	var nums []int
	for n := range 50 {
		nums = append(nums, n+1)
	}
	nums = append(nums, 1, 2) // marked by now
	err = c.Dele(t.Context(), nums...)
	refused := 0
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		var m *pop3.MessageError
		require.ErrorAs(t, e, &m)
		refused++
	}
	require.Equal(t, 50, refused)
	require.NoError(t, c.Quit(t.Context()))
	require.Empty(t, r.store.left("mrose"))
}

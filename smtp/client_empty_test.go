package smtp

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// A server that refuses MAIL and still takes a recipient and DATA has a transaction
// open that is not this one: the dot that ends one without recipients would deliver
// an empty message in it.
func TestClientSend_NoEmptyMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := testnet.Pipe()
		rest := make(chan string)
		go func() {
			script(far, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", "503 nested MAIL\r\n250 ok\r\n354 go\r\n")
			b, _ := io.ReadAll(far)
			rest <- string(b)
		}()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		_, err = c.Send(t.Context(), envelope(t, "bob"), strings.NewReader("plain\r\n"))
		refused(503, false)(t, nil, err)
		require.Empty(t, <-rest, "sent behind the 354")
		require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
	})
}

package textwire

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// The statements of the RFCs that are kept here and nowhere else. What servers
// and clients make of them is tested there.

func TestRFC_OnlyCRLFEndsALine(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-2.3.8-1", "rfc1939-3-4")
	for _, end := range []string{"\n", "\r", "\r\r", "\n\r", "\x00", "\u0085", "\u2028"} {
		line, err := NewReader(strings.NewReader("NOOP" + end + "QUIT\r\n")).ReadLine(512)
		if strings.ContainsAny(end, "\r\n\x00") {
			require.Error(t, err, "%q", end)
		} else {
			require.Equal(t, "NOOP"+end+"QUIT", string(line))
		}
	}
}

func TestRFC_LFLinesAreRefused(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.1.4-4")
	_, err := io.ReadAll(NewDotReader(NewReader(strings.NewReader("one\ntwo\r\n.\r\n")), Strict))
	require.Equal(t, &FramingError{'\n', 3}, err)
}

func TestRFC_LFDotLFIsNotTheEnd(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.1.4-5")
	d := NewDotReader(NewReader(strings.NewReader("one\n.\ntwo\r\n.\r\n")), Strict)
	_, err := io.Copy(io.Discard, d)
	require.Equal(t, &FramingError{'\n', 3}, err)
	require.NoError(t, d.Drain(100))
	require.Equal(t, int64(14), d.Raw())
}

func TestRFC_BareCRAndLFAreNotSent(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-2.3.8-2")
	for _, body := range []string{"one\ntwo", "one\rtwo", "one\r\r\n", "one\r"} {
		sent, err := send(t, body, Strict)
		require.Error(t, err)
		require.Equal(t, "one", sent)
	}
}

func TestRFC_NoEmptyLineIsAdded(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.1.4-2")
	sent, err := send(t, "one\r\n", Strict)
	require.NoError(t, err)
	require.Equal(t, "one\r\n.\r\n", sent)
}

func TestRFC_LastCRLFIsAdded(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.1.4-3")
	sent, err := send(t, "one", Strict)
	require.NoError(t, err)
	require.Equal(t, "one\r\n.\r\n", sent)
}

func TestRFC_SenderDoublesDots(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.5.2-1", "rfc1939-3-13")
	sent, err := send(t, ".\r\n..two\r\nthree.\r\n", Strict)
	require.NoError(t, err)
	require.Equal(t, "..\r\n...two\r\nthree.\r\n.\r\n", sent)
}

func TestRFC_ReceiverTakesDotsOut(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.5.2-2", "rfc1939-3-15")
	body, err := io.ReadAll(NewDotReader(NewReader(strings.NewReader("..one\r\n.two\r\nthree.\r\n.\r\n")), Strict))
	require.NoError(t, err)
	require.Equal(t, ".one\r\ntwo\r\nthree.\r\n", string(body))
}

func TestRFC_ReceiverLooksForDots(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-3-14")
	body, err := io.ReadAll(NewDotReader(NewReader(segments("one.\r\n", ".\r\n+OK\r\n")), Transparent))
	require.NoError(t, err)
	require.Equal(t, "one.\r\n", string(body))
}

func TestRFC_BodyEndsWithADotAndCRLF(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-3-12")
	sent, err := send(t, "", Transparent)
	require.NoError(t, err)
	require.Equal(t, ".\r\n", sent)
}

// send returns what leaves for a body.
func send(t *testing.T, body string, mode Mode) (string, error) {
	t.Helper()
	var out strings.Builder
	w := NewWriter(&out)
	d := NewDotWriter(w, mode)
	_, err := io.WriteString(d, body)
	if err == nil {
		err = d.Close()
	}
	require.NoError(t, w.Flush())
	return out.String(), err
}

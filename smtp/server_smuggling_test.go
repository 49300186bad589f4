package smtp_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// eodVariant is what might be taken for the end of a message.
type eodVariant struct {
	ID   string `json:"id"`
	Hex  string `json:"bytes_hex"`
	Body string `json:"body_hex"`
	Ends bool   `json:"ends_data"` // it has the genuine end in it
}

// ownVariants are there also when the collection is not.
var ownVariants = func() (all []eodVariant) {
	for _, octets := range []string{
		"\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n.\r\r\n", "\r\r\n.\r\r\n",
		"\n\n.\r\n", "\n\n.\n\n", "\r\r.\r\r", "\r\n\r.\r\n", "\r\n\n.\n\r\n", "\n.\n\r\n", "\n\r.\r\n", "\n\r\n.\n",
		"\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\n.\r\x00\n", "\r\x00\n.\r\n", "\r\n.\x00\n", "\x00\n.\n", "\n.\x00\r\n", "\r\x00.\r\n",
	} {
		all = append(all, eodVariant{ID: strconv.Quote(octets), Hex: hex.EncodeToString([]byte(octets))})
	}
	for _, octets := range []string{
		"x\r\r\n.\r\n", "x\x00\r\n.\r\n", "x\n\r\n.\r\n", "\r.\r\r\n.\r\n", "\n.\n\r\n.\r\n", "\r\r\r\n.\r\n", "\r\n..\r\x00\r\n.\r\n",
	} {
		all = append(all, eodVariant{ID: strconv.Quote(octets), Body: hex.EncodeToString([]byte(octets)), Ends: true})
	}
	return all
}()

func eodVariants(t *testing.T) []eodVariant {
	t.Helper()
	data, err := os.ReadFile("../../shared/data/smuggling/eod-variants.json")
	if err != nil {
		return ownVariants
	}
	var all []eodVariant
	require.NoError(t, json.Unmarshal(data, &all))
	require.NotEmpty(t, all)
	for _, v := range ownVariants {
		if !slices.ContainsFunc(all, func(w eodVariant) bool { return v.Hex == w.Hex && v.Body == w.Body }) {
			all = append(all, v)
		}
	}
	return all
}

// TestServerSmuggling: whatever looks like the end of a message and is not ends none,
// and the genuine end is never missed. Each variant is sent cut in two at each of its
// octets, in plain text, over TLS, by BDAT, and behind messages that were refused: 25,000
// runs.
func TestServerSmuggling(t *testing.T) {
	t.Parallel()
	for _, v := range eodVariants(t) {
		for _, mode := range []string{"plain", "TLS", "after an error", "BDAT", "BDAT after an error"} {
			t.Run(v.ID+" "+mode, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { smuggle(t, v, mode) })
			})
		}
	}
}

const (
	evil     = "MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nevil\r\n.\r\n"
	smuggled = "smuggled"
)

func unhex(t *testing.T, digits string) string {
	t.Helper()
	octets, err := hex.DecodeString(digits)
	require.NoError(t, err)
	return string(octets)
}

func smuggle(t *testing.T, v eodVariant, mode string) {
	octets := unhex(t, v.Hex+v.Body)
	// What stands behind the variant is a transaction, and ends the message if the
	// variant did not.
	payload := "Subject: x\r\n\r\nfirst" + octets + evil

	var seen []string
	srv := &smtp.Server{MaxMessageBytes: 1000, Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
		b, err := io.ReadAll(tx.Body)
		if errors.Is(err, smtp.ErrTooLarge) {
			return err
		}
		if tx.Envelope.From.Local() == "evil" {
			seen = append(seen, smuggled)
		}
		if string(b) == "spam\r\n" {
			return &smtp.Error{Code: 554, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "spam"}
		}
		seen = append(seen, string(b))
		var framing *smtp.FramingError
		require.ErrorAs(t, err, &framing)
		return nil // which must be overruled
	})}
	if mode == "TLS" {
		withTLS(t, srv)
	}
	s := newSite(t, srv)
	runs := 0
	for cut := range len(payload) {
		if before := len(payload) - len(evil); testing.Short() && (cut < before-len(octets) || cut > before+3) && cut%11 != 0 {
			continue // in short, where it matters most
		}
		runs++
		p := s.greeted()
		switch mode {
		case "TLS":
			p.say("STARTTLS\r\n")
			p.expect("220 ")
			p.startTLS(s.tls)
			p.say("EHLO client.example.com\r\n")
			p.expect("250-")
		case "after an error":
			p.say("BOGUS\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nspam\r\n.\r\n")
			p.expect("500 ", "250 ", "250 ", "354 ", "554 5.7.1 spam")
			p.say("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n" + strings.Repeat("MAIL FROM:<evil@example.com>\r\n", 40) + ".\r\n")
			p.expect("250 ", "250 ", "354 ", "552 ")
		}
		if strings.HasPrefix(mode, "BDAT") {
			smuggleChunks(p, payload, cut, mode != "BDAT")
			continue
		}
		p.say("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")
		p.expect("250 ", "250 ", "354 ")
		p.say(payload[:cut])
		synctest.Wait() // until the server has read all of it
		_, _ = io.WriteString(p, payload[cut:])
		p.expect("550 5.6.11 ")
		p.expectEnd()
		_ = p.Close()
	}
	require.Len(t, seen, runs)
	for _, body := range seen {
		require.True(t, strings.HasPrefix("Subject: x\r\n\r\nfirst"+octets, body), "%q", body)
	}
}

// smuggleChunks sends a payload in two chunks, whose octets are never commands: what
// stands behind them is, and finds no transaction.
func smuggleChunks(p *peer, payload string, cut int, failed bool) {
	if failed {
		p.say("BDAT " + strconv.Itoa(len(evil)) + "\r\n" + evil)
		p.expect("503 5.5.1 ")
	}
	p.say("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nBDAT " + strconv.Itoa(cut) + "\r\n" + payload[:cut])
	p.expect("250 ", "250 ")
	first := p.hear()
	p.say("BDAT " + strconv.Itoa(len(payload)-cut) + " LAST\r\n" + payload[cut:])
	if second := p.hear(); strings.HasPrefix(first, "250 ") {
		require.Contains(p.t, second, "550 5.6.11 ")
	} else {
		require.Contains(p.t, first, "550 5.6.11 ")
		require.Contains(p.t, second, "503 5.5.1 ")
	}
	p.say("RSET\r\nRCPT TO:<victim@example.org>\r\nQUIT\r\n")
	p.expect("250 ", "503 ", "221 ")
	p.expectEnd()
	_ = p.Close()
}

// TestServerGenuineEnd: a message that is in order ends where it ends, wherever it is
// cut, and the commands behind it are answered.
func TestServerGenuineEnd(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "x\r\n", ".x\r\n", "..\r\n.\r\n", "\r\n", "\r\n.\r\n\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, &smtp.Server{})
			stuffed := strings.ReplaceAll("\r\n"+body, "\r\n.", "\r\n..")[len("\r\n"):]
			payload := stuffed + ".\r\nMAIL FROM:<alice@example.com>\r\n"
			for cut := range len(payload) {
				p := s.inData()
				p.say(payload[:cut])
				synctest.Wait()
				p.say(payload[cut:])
				p.expect("250 2.0.0 ", "250 2.1.0 ")
				_ = p.Close()
				got := s.bodies()
				require.Len(t, got, cut+1)
				require.Equal(t, body, got[cut])
			}
		})
	}
}

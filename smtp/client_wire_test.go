package smtp_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// variants are ends of data that are none, if they are there.
const variants = "../../shared/data/smuggling/eod-variants.json"

// attempts returns bodies that try to end the data and go on with commands.
func attempts(t *testing.T) map[string]string {
	t.Helper()
	bodies := map[string]string{}
	ends := map[string]string{"LF.LF": "\n.\n", "LF.CRLF": "\n.\r\n", "CR.CR": "\r.\r", "CRLF.CRLF": "\r\n.\r\n", "NUL": "\x00\r\n.\r\n"}
	if text, err := os.ReadFile(variants); err == nil {
		var list []struct {
			ID  string `json:"id"`
			Hex string `json:"bytes_hex"`
		}
		require.NoError(t, json.Unmarshal(text, &list))
		for _, v := range list {
			octets, err := hex.DecodeString(v.Hex)
			require.NoError(t, err)
			ends[v.ID] = string(octets)
		}
	}
	for name, end := range ends {
		bodies[name] = "Subject: x\r\n\r\nx" + end + "MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nevil\r\n.\r\n"
	}
	return bodies
}

// Whatever a body has in it, it stays one body: it arrives as it is, or made lines
// of where that is asked for, or is refused before anything leaves.
func TestClient_SmugglesNothing(t *testing.T) {
	t.Parallel()
	for name, body := range attempts(t) {
		for _, normalize := range []bool{false, true} {
			for _, chunking := range []bool{false, true} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := smtptest.NewMemoryServer(t)
						cfg := s.ClientConfig("")
						cfg.TLS, cfg.NormalizeLineEnds, cfg.NoChunking = smtp.InsecureNoTLS, normalize, !chunking
						for _, r := range []io.Reader{strings.NewReader(body), io.MultiReader(strings.NewReader(body))} {
							s.Forget()
							_, err := smtp.Send(t.Context(), s.Addr, cfg, post(t, "a"), r)
							if err != nil {
								var framing *smtp.FramingError
								require.ErrorAs(t, err, &framing)
								require.False(t, smtp.SafeToRetry(err))
								require.Empty(t, s.Messages())
								continue
							}
							require.Len(t, s.Messages(), 1)
							m := s.Messages()[0]
							require.Equal(t, "office@example.org", m.Envelope.From.String())
							require.NotContains(t, strings.ReplaceAll(string(m.Data), "\r\n", ""), "\r")
							require.NotContains(t, strings.ReplaceAll(string(m.Data), "\r\n", ""), "\n")
							if !normalize {
								require.Equal(t, body, string(m.Data))
							}
						}
						require.NotContains(t, s.Transcript(), "evil")
					})
				})
			}
		}
	}
}

// What a server says is made harmless wherever it comes out: in errors, results,
// transcripts and what is logged of them.
func TestClient_HarmlessText(t *testing.T) {
	t.Parallel()
	const nasty = "\xff\x1b[2J\x1b]0;x\x07\u202e\u2028 \xc2\x9b"
	for _, at := range []smtptest.At{
		smtptest.AtConnect, smtptest.AtEHLO, smtptest.AtSTARTTLS, smtptest.AtAUTH, smtptest.AtMAIL, smtptest.AtRCPT, smtptest.AtDATA,
		smtptest.AtEnd, smtptest.AtIdle, smtptest.AtNOOP, smtptest.AtOther,
	} {
		for name, say := range map[string]string{
			"refuses":  "550 5.1.1 " + nasty + "\r\n",
			"accepts":  "250 2.0.0 " + nasty + "\r\n",
			"goes":     "421 4.3.2 " + nasty + "\r\n",
			"no reply": nasty + "\r\n",
			"go on":    "354 " + nasty + "\r\n",
		} {
			t.Run(string(at)+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := smtptest.NewMemoryServer(t)
					s.Misbehave(smtptest.Fault{At: at, Say: say})
					cfg := s.ClientConfig("user")
					var out bytes.Buffer
					cfg.Transcript = &out
					log := slog.New(slog.NewTextHandler(&out, nil))
					c, err := smtp.Dial(t.Context(), s.Addr, cfg)
					log.Info("dialled", "err", err)
					if err == nil {
						result, err := c.Send(t.Context(), post(t, "a"), mail())
						log.Info("sent", "err", err, "reply", result.Reply.Lines)
						for _, line := range append(result.Reply.Lines, c.Greeting(), c.ConnectionState().Hello) {
							out.WriteString(line)
						}
						for _, r := range result.Recipients {
							if r.Err != nil {
								out.WriteString(r.Err.Error())
							}
						}
						reply, err := c.Verify(t.Context(), "a")
						log.Info("verified", "err", err, "reply", reply.Lines)
						log.Info("asked", "err", c.Noop(t.Context()))
						c.Close()
					}
					if err != nil {
						out.WriteString(err.Error())
					}
					for _, bad := range []string{"\x1b", "\x07", "\xff", "\u202e", "\u2028", "\u009b"} {
						require.NotContains(t, out.String(), bad)
					}
				})
			})
		}
	}
}

package smtp_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/message"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// TestSendDraft: a composed message is looked through before it is sent, whatever its
// size: what cannot be read is found before a word is said, and the size is told.
func TestSendDraft(t *testing.T) {
	t.Parallel()
	s := smtptest.NewMemoryServer(t)
	c := s.Client("")
	env, err := smtp.NewEnvelope("alice@example.org", "bob@example.net")
	require.NoError(t, err)
	draft := &message.Draft{
		From: []message.Mailbox{{Addr: "alice@example.org"}}, Text: "x\n",
		Attachments: []message.Attachment{message.FromBytes("a", "", make([]byte, 200_000)), message.FromFile("no such file")},
	}
	body, err := draft.Reader()
	require.NoError(t, err)
	defer body.Close()
	_, err = c.Send(t.Context(), env, body)
	var failed *smtp.SendError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, smtp.StepCheck, failed.Step)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NotContains(t, s.Transcript(), "C: MAIL")

	draft.Attachments = draft.Attachments[:1]
	body, err = draft.Reader()
	require.NoError(t, err)
	defer body.Close()
	_, err = c.Send(t.Context(), env, body)
	require.NoError(t, err)
	sent := s.Messages()[0]
	require.Equal(t, int64(len(sent.Data)), sent.Envelope.Size)
	require.Contains(t, s.Transcript(), fmt.Sprintf("SIZE=%d", len(sent.Data)))
}

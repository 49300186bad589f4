package message

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/ascii"
)

// offsetsJSON is where a part lies in a mailbox, in the answers of a collection.
type offsetsJSON struct {
	Type     string        `json:"mimeType"`
	Begin    int64         `json:"beginOffset"`
	Headers  int64         `json:"headersEndOffset"`
	End      int64         `json:"endOffset"`
	Octets   int64         `json:"octets"`
	Lines    int64         `json:"lines"`
	Children []offsetsJSON `json:"children"`
	Message  *offsetsJSON  `json:"message"`
	Body     *offsetsJSON  `json:"body"`
}

// TestMimeKitOffsets compares types, offsets, sizes and numbers of lines.
func TestMimeKitOffsets(t *testing.T) {
	t.Parallel()
	root := sharedData(t, "mime", "mimekit", "mbox")
	box, err := os.ReadFile(filepath.Join(root, "content-length.mbox.txt"))
	require.NoError(t, err)
	s := newScore(t, nil)
	for ends, box := range map[string][]byte{"unix": box, "dos": bytes.ReplaceAll(box, []byte("\n"), []byte("\r\n"))} {
		var messages []offsetsJSON
		readJSON(t, filepath.Join(root, "content-length."+ends+"-offsets.json"), &messages)
		for i, want := range messages {
			m, err := ParseBytes(box[want.Begin:want.End])
			require.NoError(t, err)
			s.offsets(fmt.Sprint(ends, "/", i), want.Begin, want.Body, m.Root())
		}
	}
	s.finish()
}

func (s *score) offsets(key string, base int64, want *offsetsJSON, p *Part) {
	s.field(key+" type", ascii.ToLower(want.Type), p.MediaType())
	s.field(key+" offsets", []int64{want.Begin, want.Headers, want.End}, []int64{base + p.start, base + p.body, base + p.end})
	lines, err := p.Lines()
	require.NoError(s.t, err)
	s.field(key+" octets", want.Octets, p.end-p.body)
	s.field(key+" lines", want.Lines, lines)
	children := want.Children
	if want.Message != nil {
		children = []offsetsJSON{*want.Message.Body}
	}
	if s.field(key+" children", len(children), int(p.children)) {
		for i := range children {
			s.offsets(fmt.Sprint(key, ".", i), base, &children[i], p.child(i+1))
		}
	}
}

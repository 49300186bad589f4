package pop3wire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

func TestParseCapa(t *testing.T) {
	t.Parallel()
	list, err := pop3wire.ParseCapa([]byte("TOP\r\nUSER\r\nSASL CRAM-MD5  KERBEROS_V4\r\nLOGIN-DELAY 900\r\nEXPIRE 60\r\n"))
	require.NoError(t, err)
	require.Len(t, list, 5)
	require.True(t, list.Has("top"))
	require.False(t, list.Has("UIDL"))
	mechanisms, ok := list.Params("sasl")
	require.True(t, ok)
	require.Equal(t, []string{"CRAM-MD5", "KERBEROS_V4"}, mechanisms)
	params, ok := list.Params("TOP")
	require.True(t, ok)
	require.Empty(t, params)

	list, err = pop3wire.ParseCapa(nil)
	require.NoError(t, err)
	require.Empty(t, list)
	for _, body := range []string{"\r\n", "TOP", "TOP\n", " TOP\r\n", "TOP\r\n\r\n", "TOP \x01\r\n", "T\u00d6P\r\n"} {
		_, err := pop3wire.ParseCapa([]byte(body))
		require.Error(t, err, "%q", body)
	}
}

func TestCapabilityAppend(t *testing.T) {
	t.Parallel()
	list := pop3wire.Capabilities{{Tag: "SASL", Params: []string{"PLAIN", "LOGIN"}}, {Tag: "TOP"}}
	got, err := list.Append([]byte("before\r\n"))
	require.NoError(t, err)
	require.Equal(t, "before\r\nSASL PLAIN LOGIN\r\nTOP\r\n", string(got))
	for _, c := range []pop3wire.Capability{
		{},
		{Tag: "."},
		{Tag: "A.B"},
		{Tag: "A B"},
		{Tag: "A\r\n"},
		{Tag: "A", Params: []string{""}},
		{Tag: "A", Params: []string{"b\r\n."}},
		{Tag: "A", Params: []string{strings.Repeat("x", 510)}},
	} {
		got, err := c.Append([]byte("before"))
		require.Error(t, err, "%+v", c)
		require.Equal(t, "before", string(got))
	}
	_, err = pop3wire.Capability{Tag: "A", Params: []string{strings.Repeat("x", 508)}}.Append(nil)
	require.NoError(t, err, "512 octets with the CRLF")
	_, err = pop3wire.Capabilities{{Tag: "A"}, {}}.Append(nil)
	require.Error(t, err)
}

func TestTypedCapabilities(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line  string
		delay *pop3wire.LoginDelay
		keep  *pop3wire.Expire
	}{
		{line: "LOGIN-DELAY 900", delay: &pop3wire.LoginDelay{Seconds: 900}},
		{line: "LOGIN-DELAY 900 USER", delay: &pop3wire.LoginDelay{Seconds: 900, User: true}},
		{line: "LOGIN-DELAY"},
		{line: "LOGIN-DELAY -1"},
		{line: "LOGIN-DELAY soon"},
		{line: "EXPIRE 5 USER", keep: &pop3wire.Expire{Days: 5, User: true}},
		{line: "EXPIRE 30", keep: &pop3wire.Expire{Days: 30}},
		{line: "EXPIRE NEVER", keep: &pop3wire.Expire{Never: true}},
		{line: "EXPIRE NEVER USER", keep: &pop3wire.Expire{Never: true, User: true}},
		{line: "EXPIRE 0", keep: &pop3wire.Expire{}},
		{line: "EXPIRE"},
		{line: "EXPIRE 99999999999999999999"},
	} {
		list, err := pop3wire.ParseCapa([]byte(tt.line + "\r\n"))
		require.NoError(t, err)
		delay, ok := list.LoginDelay()
		require.Equal(t, tt.delay != nil, ok, tt.line)
		if ok {
			require.Equal(t, *tt.delay, delay)
			require.Equal(t, list[0], delay.Capability())
		}
		keep, ok := list.Expire()
		require.Equal(t, tt.keep != nil, ok, tt.line)
		if ok {
			require.Equal(t, *tt.keep, keep)
			require.Equal(t, list[0], keep.Capability())
		}
	}
	for line, want := range map[string][2]bool{"UTF8": {true, false}, "utf8 user": {true, true}, "TOP": {}} {
		list, err := pop3wire.ParseCapa([]byte(line + "\r\n"))
		require.NoError(t, err)
		mode, user := list.UTF8()
		require.Equal(t, want, [2]bool{mode, user}, line)
	}
}

func FuzzCapability(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("SASL PLAIN LOGIN"))
	f.Add([]byte("IMPLEMENTATION a.b"))
	f.Add([]byte(".x"))
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := pop3wire.ParseCapability(line)
		if err != nil {
			return
		}
		out, err := c.Append(nil)
		if err != nil { // too long, or a dot in the tag
			return
		}
		again, err := pop3wire.ParseCapa(out)
		if err != nil || len(again) != 1 || again[0].Tag != c.Tag || !slices.Equal(again[0].Params, c.Params) {
			t.Fatalf("%q comes back as %q, %v", c, again, err)
		}
	})
}

func ExampleParseCapa() {
	list, err := pop3wire.ParseCapa([]byte("UIDL\r\nSASL PLAIN\r\nEXPIRE NEVER\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	mechanisms, _ := list.Params("SASL")
	fmt.Println(list.Has("uidl"), mechanisms)
	// Output: true [PLAIN]
}

func ExampleSplitVerb() {
	verb, args := pop3wire.SplitVerb([]byte("top 3 10"))
	var top pop3wire.Top
	fmt.Println(verb, top.Parse(args), top.N, top.Lines)
	// Output: TOP <nil> 3 10
}

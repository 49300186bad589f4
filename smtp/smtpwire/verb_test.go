package smtpwire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplitVerb(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, line string
		verb       Verb
		args       string
	}{
		{"alone", "DATA", DATA, ""},
		{"lower case", "mail FROM:<a@b>", MAIL, "FROM:<a@b>"},
		{"mixed case", "StartTLS", STARTTLS, ""},
		{"trailing blanks", "RSET \t ", RSET, ""},
		{"trailing blanks behind arguments", "EHLO x \t", EHLO, "x"},
		{"argument kept", "NOOP  a b", NOOP, " a b"},
		{"empty", "", Unknown, ""},
		{"blank first", " NOOP", Unknown, "NOOP"},
		{"tab for a blank", "NOOP\tx", Unknown, ""},
		{"unknown", "XADR 5", Unknown, "5"},
		{"long", "STARTTLSX now", Unknown, "now"},
		{"kelvin sign is no K", "BAC\u212a", Unknown, ""},
		{"long s is no S", "R\u017fET", Unknown, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			verb, args := SplitVerb([]byte(tt.line))
			require.Equal(t, tt.verb, verb)
			require.Equal(t, tt.args, string(args))
		})
	}
}

func TestVerbAppend(t *testing.T) {
	t.Parallel()
	for v := Unknown + 1; v < NumVerbs; v++ {
		line, err := v.Append(nil)
		require.NoError(t, err)
		got, args := SplitVerb(line[:len(line)-2])
		require.Equal(t, v, got)
		require.Empty(t, args)
		require.Equal(t, v.String(), string(v.AppendPublic(nil)))
	}
	for _, v := range []Verb{Unknown, NumVerbs} {
		_, err := v.Append(nil)
		require.Error(t, err)
		require.Equal(t, "unknown", v.String())
	}
}

func TestAppendPublic(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, want string }{
		{"MAIL FROM:<a@b> SIZE=1", "MAIL FROM:<a@b> SIZE=1"},
		{"AUTH PLAIN AGEAYg==", "AUTH PLAIN ***"},
		{"auth plain AGEAYg==", "AUTH plain ***"},
		{"AUTH LOGIN", "AUTH LOGIN"},
		{"AUTH AGEAYmNkZWZnaGlqa2xtbm9wcXJz", "AUTH ***"},
		{"AUTH", "AUTH ***"},
		{"AGEAYg==", "(not a command: 8 octets)"},
	} {
		require.Equal(t, tt.want, string(AppendPublic(nil, []byte(tt.line))), tt.line)
	}
}

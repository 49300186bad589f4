package message

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestBaseSubject(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, want string
		reply    bool
	}{
		{"", "", false},
		{"Lunch", "Lunch", false},
		{" Lunch \t at  noon ", "Lunch at noon", false},
		{"Re: Lunch", "Lunch", true},
		{"RE : fw[2]: Fwd :Lunch", "Lunch", true},
		{"Lunch (fwd) (FWD)", "Lunch", true},
		{"[list] Re: [list] Lunch", "Lunch", true},
		{"[a] [b]c", "c", false},
		{"[a] [b]", "[b]", false},
		{"[list]", "[list]", false},
		{"Re: [list]", "[list]", true},
		{"[fwd: Re: Lunch (fwd)]", "Lunch", true},
		{"[fwd: [fwd: re: [fwd: babylon]]]", "babylon", true},
		{"[Fwd:]", "", true},
		{"Re:", "", true},
		{"Re: (fwd)", "", true},
		{"Re", "Re", false},
		{"Report: x", "Report: x", false},
		{"re [a b]c: x", "re [a b]c: x", false},
		{"[a [b] c", "[a [b] c", false},
		{"Re: Übung", "Übung", true},
	} {
		got, reply := BaseSubject(test.in)
		require.Equal(t, test.want, got, test.in)
		require.Equal(t, test.reply, reply, test.in)
	}
	// Time is linear in the text, brackets and all.
	for _, s := range []string{"[a]", "[", "[fwd:", "re:", "re[a]", "(fwd)", "] "} {
		BaseSubject(strings.Repeat(s, 1<<18))
	}
}

// FuzzBaseSubject checks that what is left has nothing more to take off.
func FuzzBaseSubject(tf *testing.F) {
	f := storm.New(tf)
	f.Add("Re: [list] fwd [2]: [fwd: [fwd: re: x (fwd)]] (fwd)")
	f.Add("[a] [b] re: [c]")
	f.Fuzz(func(t *testing.T, s string) {
		base, _ := BaseSubject(s)
		again, reply := BaseSubject(base)
		if again != base || reply {
			t.Fatalf("%q is %q, and that %q", s, base, again)
		}
		if base == "" && strings.TrimSpace(s) != "" && !strings.ContainsAny(s, ":(") {
			t.Fatalf("nothing is left of %q", s)
		}
	})
}

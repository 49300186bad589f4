package race

import (
	"errors"
	"strings"
	"testing"
)

// TestResult proves that a ratio is that within a round, and that who fails is
// told of and does not stop the others.
func TestResult(t *testing.T) {
	t.Parallel()
	values := func(v ...float64) func() (Cost, error) {
		return func() (Cost, error) {
			c := Cost{Value: v[0]}
			v = v[1:]
			return c, nil
		}
	}
	r := Race{Work: "work", Unit: "µs", Base: "peer", AtMost: 0.4, Cold: true, Entrants: []Entrant{
		{"ours", values(1, 20, 3)},
		{"peer", values(2, 40, 10)},
		{"broken", func() (Cost, error) { return Cost{}, errors.New("no") }},
	}}
	var b strings.Builder
	if _, err := r.Run(3).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := `| work | ours | 3.00 µs | 0.50 | 633 |  |  | 0.4: MISSED |
| work | peer | 10.0 µs | 1.00 | 380 |  |  |  |
| work | broken | failed: no | | | | | |
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

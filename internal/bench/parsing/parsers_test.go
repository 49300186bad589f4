package parsing

import "testing"

// TestParsersAgree keeps the comparison honest: all decode the same number of octets.
func TestParsersAgree(t *testing.T) {
	t.Parallel()
	sets, err := Sets("no such folder")
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		for i, text := range set.Messages {
			want, err := Parsers[Posthouse](text)
			if err != nil || want == 0 {
				t.Fatalf("%s, %d: %d octets, %v", set.Name, i, want, err)
			}
			for _, name := range []string{GoMessage, Enmime} {
				if got, err := Parsers[name](text); err != nil || got != want {
					t.Errorf("%s, %d: %s decoded %d octets, %v; we %d", set.Name, i, name, got, err, want)
				}
			}
		}
	}
}

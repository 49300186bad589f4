package auth

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// pencil are the keys of the password "pencil" in RFC 7677 section 3; the values of
// the keys are those that the example's messages verify with.
const pencil = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

func TestSCRAMKeys(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5802-2.2-1")
	salt, err := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	require.NoError(t, err)
	k, err := DeriveSCRAMKeys(SCRAMSHA256, "pencil", salt, 4096)
	require.NoError(t, err)
	require.Equal(t, pencil, k.Encode())
	require.True(t, k.Verify("pencil"))
	require.True(t, k.Verify("pen\u00adcil"), "prepared")
	require.False(t, k.Verify("Pencil"))
	require.False(t, k.Verify(""))
	require.False(t, SCRAMKeys{}.Verify(""))

	again, err := ParseSCRAMKeys(pencil)
	require.NoError(t, err)
	require.Equal(t, k, again)

	for h := SCRAMSHA1; h <= SCRAMSHA512; h++ {
		k, err := NewSCRAMKeys(h, "pass\u00a0word", 4096)
		require.NoError(t, err)
		require.True(t, k.Verify("pass word"), "prepared before it is hashed")
		require.Len(t, k.Salt, SCRAMSaltSize)
		back, err := ParseSCRAMKeys(k.Encode())
		require.NoError(t, err)
		require.Equal(t, k, back)
	}
	k, err = NewSCRAMKeys(SCRAMSHA1, "x", 0)
	require.NoError(t, err)
	require.Equal(t, DefaultSCRAMIterations, k.Iterations)
}

func TestSCRAMKeysPrintWithoutTheKeys(t *testing.T) {
	t.Parallel()
	k, err := ParseSCRAMKeys(pencil)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, "keys of SCRAM-SHA-256, 4096 iterations", fmt.Sprintf(verb, k), verb)
		require.NotContains(t, fmt.Sprintf(verb, struct{ Keys SCRAMKeys }{k}), "[", verb)
	}
	require.Equal(t, "SCRAMHash(9)", SCRAMHash(9).String())
}

func TestSCRAMKeysRefused(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5802-5.1-13", "rfc7677-3-1", "rfc7677-4-2")
	for _, row := range []struct {
		name, password string
		hash           SCRAMHash
		salt           []byte
		iterations     int
		credentials    bool
	}{
		{"no hash", "x", 0, []byte("salt"), 4096, false},
		{"unknown hash", "x", SCRAMSHA512 + 1, []byte("salt"), 4096, false},
		{"too few iterations", "x", SCRAMSHA1, []byte("salt"), 4095, false},
		{"too few iterations of SHA-256", "x", SCRAMSHA256, []byte("salt"), 4095, false},
		{"too many iterations", "x", SCRAMSHA1, []byte("salt"), MaxSCRAMIterations + 1, false},
		{"no salt", "x", SCRAMSHA1, nil, 4096, false},
		{"salt of 256 octets", "x", SCRAMSHA1, make([]byte, 256), 4096, false},
		{"empty password", "", SCRAMSHA1, []byte("salt"), 4096, true},
		{"password of nothing", "\u00ad", SCRAMSHA1, []byte("salt"), 4096, true},
		{"password that cannot be prepared", "\a", SCRAMSHA1, []byte("salt"), 4096, true},
		{"password too long", long("p") + "p", SCRAMSHA1, []byte("salt"), 4096, true},
		{"password not UTF-8", "\xff", SCRAMSHA1, []byte("salt"), 4096, true},
	} {
		_, err := DeriveSCRAMKeys(row.hash, row.password, row.salt, row.iterations)
		require.Error(t, err, row.name)
		if row.credentials {
			require.ErrorIs(t, err, ErrCredentials, row.name)
		}
	}
	for _, text := range []string{
		"", "$", "$:$:", "SCRAM-SHA-256", "pencil",
		strings.Replace(pencil, "SHA-256", "SHA-1", 1),
		strings.Replace(pencil, "SHA-256", "SHA-384", 1),
		strings.Replace(pencil, "SCRAM-SHA", "scram-sha", 1),
		strings.Replace(pencil, "4096", "4095", 1),
		strings.Replace(pencil, "4096", "04096", 1),
		strings.Replace(pencil, "4096", "", 1),
		strings.Replace(pencil, "gQ==", "gR==", 1),
		strings.Replace(pencil, "W22Z", "W22\n", 1),
		strings.Replace(pencil, "W22ZaJ0SNY7soEsUEjb6gQ==", "", 1),
		pencil + ":", pencil + "\n", pencil[:len(pencil)-8], " " + pencil,
	} {
		_, err := ParseSCRAMKeys(text)
		require.Error(t, err, "%q", text)
		require.NotContains(t, err.Error(), "W22")
	}
}

package usersfile

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/storm"
)

// What doveadm(1) made of the password "secret1", and the keys of "pencil" that
// RFC 7677 section 3 has in its example.
const (
	fromBcrypt  = "$2y$05$GM./RnTTGBDpJr.BiDeHWe2E7mvtgp7fe8mVP7WiSuuIv9sOiFT4C"
	fromArgon2  = "$argon2id$v=19$m=65536,t=3,p=1$4/uxt0ub/dA/gRXSs0vXTA$+69J1/4jh3Rgsrlm5dBOzU4IWQQs0DHDpu33aCnSZFY"
	fromRFC7677 = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)

func TestParse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 255)
	for _, row := range []struct {
		name, text string
		line       int // of the error; 0: none
	}{
		{"nothing", "", 0},
		{"comments", "# a:b\n\n \t\n#\r\n", 0},
		{"one", "a:b", 0},
		{"CRLF", "a:b\r\nc:d\r\n", 0},
		{"password with colons", "a:b:c", 0},
		{"password with spaces", "a: b ", 0},
		{"longest", long + ":" + long, 0},
		{"prefixes", "a:{plain}$2x\nb:{PLAIN}{}\nc:{plain}SCRAM-\n", 0},
		{"bcrypt", "a:" + fromBcrypt + "\nb:{BLF-CRYPT}" + fromBcrypt, 0},
		{"Argon2id", "a:" + fromArgon2 + "\nb:{ARGON2ID}" + fromArgon2, 0},
		{"several keys", "a:" + fromRFC7677 + "\nb:x\na:" + must(Make(SCRAMSHA1, "x")) + "\n", 0},

		{"no colon", "a:b\nab\n", 2},
		{"no name", ":b", 1},
		{"no secret", "a:", 1},
		{"empty plain", "a:{plain}", 1},
		{"space before the name", " a:b", 1},
		{"space behind the name", "a :b", 1},
		{"space by preparation", "\u00a8:b", 1},
		{"comment by preparation", "\uff03a:b", 1},
		{"colon by preparation", "\uff1aa:b", 1},
		{"name too long", long + "a:b", 1},
		{"password too long", "a:" + long + "b", 1},
		{"line too long", "#" + strings.Repeat("a", 1024), 1},
		{"NUL", "a:b\x00", 1},
		{"control", "a\x01:b", 1},
		{"bare CR", "a:b\rc:d", 1},
		{"not UTF-8", "\xff:b", 1},
		{"password not UTF-8", "a:\xff", 1},
		{"twice", "a:b\na:b\n", 2},
		{"twice when prepared", "\u2168:b\nIX:b\n", 2},
		{"plain behind keys", "a:" + fromRFC7677 + "\na:b\n", 2},
		{"keys behind plain", "a:b\na:" + fromRFC7677 + "\n", 2},
		{"keys twice", "a:" + fromRFC7677 + "\na:" + fromRFC7677 + "\n", 2},
		{"locked", "a:!", 1},
		{"locked too", "a:*", 1},
		{"unknown scheme", "a:{sha512}x", 1},
		{"unknown crypt", "a:$6$salt$hash", 1},
		{"MD5", "a:$1$salt$hash", 1},
		{"a brace", "a:{", 1},
		{"keys damaged", "a:" + fromRFC7677[:40], 1},
		{"keys in lower case", "a:" + strings.ToLower(fromRFC7677), 1},
		{"bcrypt cut", "a:" + fromBcrypt[:59], 1},
		{"bcrypt longer", "a:" + fromBcrypt + "a", 1},
		{"bcrypt digit", "a:" + strings.Replace(fromBcrypt, "GM", "G=", 1), 1},
		{"bcrypt old", "a:" + strings.Replace(fromBcrypt, "$2y$", "$2x$", 1), 1},
		{"bcrypt too dear", "a:" + strings.Replace(fromBcrypt, "$05$", "$17$", 1), 1},
		{"bcrypt too cheap", "a:" + strings.Replace(fromBcrypt, "$05$", "$03$", 1), 1},
		{"Argon2i", "a:" + strings.Replace(fromArgon2, "2id", "2i", 1), 1},
		{"Argon2 1.0", "a:" + strings.Replace(fromArgon2, "v=19", "v=16", 1), 1},
		{"Argon2 cut", "a:" + fromArgon2[:60], 1},
		{"Argon2 no time", "a:" + strings.Replace(fromArgon2, "t=3", "t=0", 1), 1},
		{"Argon2 no threads", "a:" + strings.Replace(fromArgon2, "p=1", "p=0", 1), 1},
		{"Argon2 too little", "a:" + strings.Replace(fromArgon2, "m=65536", "m=7", 1), 1},
		{"Argon2 too much", "a:" + strings.Replace(fromArgon2, "m=65536", "m=262145", 1), 1},
		{"Argon2 overflow", "a:" + strings.Replace(fromArgon2, "m=65536", "m=4295032832", 1), 1},
		{"Argon2 too long", "a:" + strings.Replace(fromArgon2, "t=3", "t=17", 1), 1},
		{"Argon2 too broad", "a:" + strings.Replace(fromArgon2, "p=1", "p=17", 1), 1},
		{"Argon2 salt", "a:" + strings.Replace(fromArgon2, "$4/uxt0ub/dA/gRXSs0vXTA$", "$c29t$", 1), 1},
		{"Argon2 salt damaged", "a:" + strings.Replace(fromArgon2, "$4/uxt0ub/dA/gRXSs0vXTA$", "$4/uxt0ub/dA/gRXSs0vXTB$", 1), 1},
		{"Argon2 padding", "a:" + fromArgon2 + "=", 1},
		{"Argon2 more", "a:" + fromArgon2 + "$", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			users, err := parse("users", []byte(row.text))
			if row.line == 0 {
				require.NoError(t, err)
				return
			}
			require.Nil(t, users)
			wrong := new(SyntaxError)
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, row.line, wrong.Line, wrong)
			require.Equal(t, "users", wrong.File)
			require.NotEmpty(t, wrong.Reason)
		})
	}
}

func TestParseKnowsTheSecrets(t *testing.T) {
	t.Parallel()
	users, err := parse("users", []byte("bcrypt:"+fromBcrypt+"\nargon2:"+fromArgon2+"\nkeys:"+fromRFC7677+
		"\nplain: se:cret \ndollar:{plain}$x\nGr\u00fc\u00dfe:pass\u00a0word\n"))
	require.NoError(t, err)
	for name, password := range map[string]string{
		"bcrypt": "secret1", "argon2": "secret1", "keys": "pencil", "plain": " se:cret ", "dollar": "$x", "Gr\u00fc\u00dfe": "pass word",
	} {
		require.Contains(t, users, name)
		require.True(t, users[name].secret.verify(password), name)
		require.False(t, users[name].secret.verify(password+"x"), name)
		require.False(t, users[name].secret.verify(""), name)
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		text, err := Make(kind, "pass\u00a0word")
		require.NoError(t, err, kind)
		again, err := Make(kind, "pass\u00a0word")
		require.NoError(t, err)
		require.Equal(t, kind == Plain, text == again, "salt of %s", kind)
		s, reason := parseSecret(text)
		require.Empty(t, reason, kind)
		require.True(t, s.verify("pass word"), "%s is prepared", kind)
		require.False(t, s.verify("pass word "), kind)
		for _, bad := range []string{"", "\xff", "a\nb", "a\x00", strings.Repeat("a", 256)} {
			_, err := Make(kind, bad)
			require.ErrorIs(t, err, auth.ErrCredentials, "%s %q", kind, bad)
		}
	}
	_, err := Make("md5", "x")
	require.Error(t, err)
}

// TestBcryptTakes72Octets: the beginning of a long password is not the password.
func TestBcryptTakes72Octets(t *testing.T) {
	t.Parallel()
	_, err := Make(Bcrypt, strings.Repeat("a", 73))
	require.ErrorIs(t, err, auth.ErrCredentials)
	hash := strings.Replace(must(newBcrypt(strings.Repeat("a", 72), 4)), "$2a$", "$2b$", 1)
	s, reason := parseSecret(hash)
	require.Empty(t, reason)
	require.True(t, s.verify(strings.Repeat("a", 72)))
	require.False(t, s.verify(strings.Repeat("a", 73)))
}

// TestErrorsHoldNoSecret.
func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a:$tanstaaf", "a:{tanstaaf}", "a:tanstaaf\x00", "tanstaaf", "a:b\na:tanstaaf"} {
		_, err := parse("users", []byte(text))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "tanstaaf")
	}
}

func FuzzParse(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{
		"a:b\n# c\n\nd:{plain}e\r\n", "a:" + fromBcrypt, "a:" + fromArgon2, "a:" + fromRFC7677 + "\n",
		"a:{ARGON2ID}$\n", "\u2168:\u00ad", ":\n", "a:b\na:c",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		users, err := parse("users", text)
		if err != nil {
			wrong := new(SyntaxError)
			if users != nil || !errors.As(err, &wrong) || wrong.Line < 1 || wrong.Line > bytes.Count(text, []byte("\n"))+1 || wrong.Reason == "" {
				t.Fatalf("%v, %v", users, err)
			}
			return
		}
		var all strings.Builder
		for name, u := range users {
			prepared, err := auth.Prepare(name)
			if err != nil || prepared != name || u.name != name || u.secret == nil || strings.ContainsAny(name, ":\r\n") {
				t.Fatalf("user %q: %+v", name, u)
			}
			for line := range strings.Lines(u.lines) {
				all.WriteString(name + ":" + line)
			}
		}
		again, err := parse("users", []byte(all.String()))
		if err != nil || len(again) != len(users) {
			t.Fatalf("%q: %v", all.String(), err)
		}
		for name := range users {
			if rest, n, err := without("users", text, name); err != nil || n < 1 || bytes.Count(text, []byte("\n"))-bytes.Count(rest, []byte("\n")) > n {
				t.Fatalf("without %q: %q, %d, %v", name, rest, n, err)
			}
			break
		}
	})
}

func must(text string, err error) string {
	if err != nil {
		panic(err)
	}
	return text
}

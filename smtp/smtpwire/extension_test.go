package smtpwire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

func TestBdat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		want Bdat
		out  string
	}{
		{"0", Bdat{}, ""},
		{"86 LAST", Bdat{86, true}, ""},
		{"0 last", Bdat{0, true}, "0 LAST"},
		{"9223372036854775807", Bdat{Size: 1<<63 - 1}, ""},
		{"00086", Bdat{Size: 86}, "86"},
	} {
		var b Bdat
		require.NoError(t, b.Parse(tt.args))
		require.Equal(t, tt.want, b)
		checkLine(t, &b, "BDAT "+tt.args, tt.out)
	}
	for _, args := range []string{
		"", "LAST", " LAST", "-1", "+5", "0x5", "5x", "1e3", "5.0", "1_000", "99999999999999999999", "9223372036854775808", "18446744073709551617",
		"5  LAST", "5 LAST ", "5 LASTX", "5 LA", "5\tLAST", "5LAST", "5 L\u00e4ST", "5 LA\u017fT", "\u0665",
	} {
		b := Bdat{1, true}
		var se *SyntaxError
		require.ErrorAs(t, b.Parse(args), &se, "%q", args)
		require.Equal(t, 501, se.Code)
		require.Zero(t, b, "%q", args)
	}
}

func TestVrfyExpn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args, text string
		utf8       bool
		out        string
	}{
		{"Crispin", "Crispin", false, ""},
		{"Sam Q. Smith", "Sam Q. Smith", false, ""},
		{"SMTPUTF8", "SMTPUTF8", false, ""},
		{"bob SMTPUTF8", "bob", true, ""},
		{"bob smtputf8", "bob", true, "bob SMTPUTF8"},
		{"grün SMTPUTF8", "grün", true, ""},
		{"grün", "grün", false, ""},
	} {
		var v Vrfy
		require.NoError(t, v.Parse(tt.args))
		require.Equal(t, Vrfy{tt.text, tt.utf8}, v)
		checkLine(t, &v, "VRFY "+tt.args, tt.out)
		var e Expn
		require.NoError(t, e.Parse(tt.args))
		require.Equal(t, Expn{tt.text, tt.utf8}, e)
		checkLine(t, &e, "EXPN "+tt.args, tt.out)
	}
	for _, args := range []string{"", "a\x01", "\xff", "\u0085", "a\u2028", "a\x7f"} {
		require.Error(t, new(Vrfy).Parse(args), "%q", args)
		require.Error(t, new(Expn).Parse(args), "%q", args)
	}
}

func TestEtrn(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]Etrn{
		"uu.net":   {Node: "uu.net"},
		"@foo.com": {'@', "foo.com"},
		"#uucp":    {'#', "uucp"},
	} {
		var c Etrn
		require.NoError(t, c.Parse(args))
		require.Equal(t, want, c)
		checkLine(t, &c, "ETRN "+args, "")
	}
	for _, args := range []string{"", "@", "#", "localname", "[192.0.2.1]", "a.b c", "#a b", "b\u00fccher.example", "#\u00fc", "!a.b", "-a.b"} {
		c := Etrn{'@', "x.y"}
		require.Error(t, c.Parse(args), "%q", args)
		require.Zero(t, c)
	}
}

func TestXclient(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		want []XclientAttribute
		out  string
	}{
		{"NAME=spike.porcupine.org ADDR=168.100.189.2", []XclientAttribute{{"NAME", "spike.porcupine.org"}, {"ADDR", "168.100.189.2"}}, ""},
		{"addr=IPV6:2001:db8::1  PROTO=ESMTP", []XclientAttribute{{"ADDR", "IPV6:2001:db8::1"}, {"PROTO", "ESMTP"}}, "ADDR=IPV6:2001:db8::1 PROTO=ESMTP"},
		{"LOGIN=a+2Bb+20c NAME=[UNAVAILABLE]", []XclientAttribute{{"LOGIN", "a+b c"}, {"NAME", XclientUnavailable}}, ""},
	} {
		var c Xclient
		require.NoError(t, c.Parse(tt.args))
		require.Equal(t, tt.want, c.Attributes)
		checkLine(t, &c, "XCLIENT "+tt.args, tt.out)
		value, ok := c.Get(tt.want[1].Name)
		require.True(t, ok)
		require.Equal(t, tt.want[1].Value, value)
		_, ok = c.Get("HELO")
		require.False(t, ok)
	}
	for _, args := range []string{"", "NAME", "NAME=", "=x", "N.AME=x", "NAME=a NAME=b", "NAME=a name=b", "NAME=+0A", "NAME=+", "NAME=a=b", "NAME=\u00fc", "NAME=a b", "NAME=+C3+BC"} {
		c := Xclient{Attributes: []XclientAttribute{{"A", "b"}}}
		require.Error(t, c.Parse(args), "%q", args)
		require.Empty(t, c.Attributes)
	}
}

func TestExtensionParams(t *testing.T) {
	t.Parallel()
	e := ParseEHLO([]string{"LIMITS RCPTMAX=20 mailmax=5", "DELIVERBY 240,x", "FUTURERELEASE 86400 2026-12-31T00:00:00Z", "MT-PRIORITY MIXER", "XCLIENT NAME addr"})
	require.Equal(t, Limits{MailMax: 5, RcptMax: 20}, e.Limits())
	shortest, ok := e.DeliverBy()
	require.True(t, ok)
	require.Equal(t, 240, shortest)
	seconds, until, ok := e.FutureRelease()
	require.True(t, ok)
	require.Equal(t, 86400, seconds)
	require.EqualValues(t, "2026-12-31T00:00:00Z", until)
	profile, ok := e.PriorityProfile()
	require.True(t, ok)
	require.Equal(t, "MIXER", profile)
	require.Equal(t, []string{"NAME", "ADDR"}, e.XclientAttributes())

	e = ParseEHLO([]string{"DELIVERBY", "FUTURERELEASE never", "MT-PRIORITY"})
	shortest, ok = e.DeliverBy()
	require.True(t, ok)
	require.Zero(t, shortest)
	seconds, until, ok = e.FutureRelease()
	require.True(t, ok)
	require.Zero(t, seconds)
	require.Empty(t, until)
	e = Extensions{}
	_, ok = e.DeliverBy()
	require.False(t, ok)
	_, _, ok = e.FutureRelease()
	require.False(t, ok)
	_, ok = e.PriorityProfile()
	require.False(t, ok)
	require.Empty(t, e.XclientAttributes())
	require.Zero(t, e.Limits())
}

func TestLimits(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc9422-3.7-1", "rfc9422-3.7-2")
	for params, want := range map[string]Limits{
		"":                                     {},
		"RCPTMAX=20 MAILMAX=5":                 {5, 20, 0},
		"RCPTDOMAINMAX=1":                      {0, 0, 1},
		"MAILMAX=999999 NEWMAX=x OTHER":        {999999, 0, 0},
		"MAILMAX=0 RCPTMAX=20":                 {0, 20, 0},
		"MAILMAX=05 RCPTMAX=20":                {0, 20, 0},
		"MAILMAX=1000000 RCPTMAX=20":           {0, 20, 0},
		"MAILMAX=-5 RCPTMAX=20":                {0, 20, 0},
		"MAILMAX RCPTMAX=20":                   {0, 20, 0},
		"MAILMAX= RCPTMAX=20":                  {},
		"MAILMAX=5; RCPTMAX=20":                {},
		"MAIL.MAX=5 RCPTMAX=20":                {},
		"=5 RCPTMAX=20":                        {},
		"RCPTMAX=20 " + strings.Repeat("x", 9): {0, 20, 0},
	} {
		require.Equal(t, want, parseLimits(params), params)
	}
	require.Equal(t, "MAILMAX=5 RCPTDOMAINMAX=999999", string(Limits{5, -1, 5_000_000}.Append(nil)))
	require.Empty(t, Limits{}.Append(nil))
}

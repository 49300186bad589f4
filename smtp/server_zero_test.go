package smtp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestServerZeroValue: each number and each time of a Server has a limit that stands for
// zero, and which a test crosses; there is none that this test does not know.
func TestServerZeroValue(t *testing.T) {
	t.Parallel()
	srv := &Server{Hostname: "mx.example.org", Handler: HandlerFunc(nil)}
	srv.init()
	require.NoError(t, srv.bad)
	limits := map[string]int64{
		"MaxMessageBytes": srv.maxMessage(),
		"MaxRecipients":   int64(limit(srv.MaxRecipients, defaultRecipients)),
		"MaxConns":        int64(srv.loop.MaxConns),
		"MaxConnsPerAddr": int64(srv.loop.MaxConnsPerAddr),
		"MaxErrors":       int64(limit(srv.MaxErrors, defaultErrors)),
		"MaxAuthFailures": int64(limit(srv.MaxAuthFailures, defaultAuthFailures)),
		"MaxIdleCommands": int64(limit(srv.MaxIdleCommands, defaultIdleCommands)),
		"MaxHops":         int64(limit(srv.MaxHops, defaultHops)),
		"MaxTransactions": int64(limit(srv.MaxTransactions, defaultTransactions)),
		"MaxHandshakes":   int64(cap(srv.handshakes)),
		"SessionTimeout":  int64(srv.sessionTimeout()),
		"HookTimeout":     int64(srv.hookTimeout()),
		"HandlerTimeout":  int64(srv.handlerTimeout()),
		"ErrorDelay":      int64(defaultErrorDelay),
		// Their defaults are those of package conn, and TestServerTimeouts meets them.
		"Timeout": int64(5 * time.Minute), "DataTimeout": int64(5 * time.Minute), "MinRate": 100,
		// Those that are off: the one would slow honest clients down, the other is for
		// servers that cannot do without.
		"GreetPause": 1, "MaxRecipientDomains": 1,
	}
	file, err := parser.ParseFile(token.NewFileSet(), "server.go", nil, 0)
	require.NoError(t, err)
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Server" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			if !isLimit(field.Type) || !field.Names[0].IsExported() {
				continue
			}
			for _, name := range field.Names {
				found++
				require.Positive(t, limits[name.Name], name.Name)
				require.Less(t, limits[name.Name], int64(math.MaxInt64), name.Name)
			}
		}
		return false
	})
	require.Equal(t, len(limits), found)
}

// isLimit reports whether a field is a number or a time.
func isLimit(typ ast.Expr) bool {
	switch typ := typ.(type) {
	case *ast.Ident:
		return typ.Name == "int" || typ.Name == "int64"
	case *ast.SelectorExpr:
		return typ.Sel.Name == "Duration"
	}
	return false
}

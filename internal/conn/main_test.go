package conn

import (
	"testing"

	"github.com/posthouse/posthouse/internal/testnet"
)

// TestMain fails when a test leaves goroutines behind.
func TestMain(m *testing.M) { testnet.Main(m) }

package integration

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// TestVendorsAreData has no code ask which vendor it talks to: the name of a profile
// stands in the tables of profiles and of the personalities that tests serve, and is
// compared with nothing but what a user typed.
func TestVendorsAreData(t *testing.T) {
	names := map[string]bool{}
	for _, p := range objstore.Profiles() {
		names[p.Name] = true
	}
	found := 0
	sources(t, func(pkg, path string, f *ast.File) {
		table := strings.HasPrefix(path, "internal/objstore/profiles") || path == "internal/objstore/memhttp/personalities.go"
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				text, err := strconv.Unquote(n.Value)
				switch {
				case n.Kind != token.STRING || err != nil || !names[text]:
				case table:
					found++
				case !strings.HasPrefix(pkg, "integration/"): // there, they are names of programs
					t.Errorf("%s: %s: say in the profile what is different, and ask that", path, n.Value)
				}
			case *ast.BinaryExpr:
				if s, ok := n.X.(*ast.SelectorExpr); ok && s.Sel.Name == "Name" && (n.Op == token.EQL || n.Op == token.NEQ) {
					if inner, ok := s.X.(*ast.SelectorExpr); ok && strings.EqualFold(inner.Sel.Name, "profile") {
						t.Errorf("%s: compares the name of a profile", path)
					}
				}
			}
			return true
		})
	})
	if found < len(names) {
		t.Errorf("%d names found in the tables of %d profiles: the test looks in the wrong place", found, len(names))
	}
}

package integration

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sluicefs/sluicefs/"

// layers is the import rule of docs/DESIGN.md: each package, and the only packages
// of this module that it may import. A package missing here fails the test.
var layers = map[string][]string{
	"internal/objstore":           {},
	"internal/objstore/s3":        {"internal/objstore"},
	"internal/objstore/mem":       {"internal/objstore"},
	"internal/objstore/memhttp":   {"internal/objstore"},
	"internal/objstore/fault":     {"internal/objstore"},
	"internal/objstore/retry":     {"internal/objstore"},
	"internal/objstore/meter":     {"internal/objstore"},
	"internal/objstore/patient":   {"internal/objstore"},
	"internal/objstore/probe":     {"internal/objstore"},
	"internal/objstore/storetest": {"internal/objstore"},
	"internal/keypath":            {},
	"internal/byname":             {"internal/objstore"},
	"internal/mounttable":         {},
	"uploader":                    {"internal/objstore", "internal/objstore/patient"},
	"cache/disk":                  {},
	"cache":                       {"internal/objstore", "internal/keypath", "cache/disk"},
	"fs":                          {"internal/objstore", "internal/objstore/patient", "internal/keypath", "internal/mounttable", "uploader", "cache"},
	"cmd/sluicefs":                {"internal/byname", "internal/mounttable", "internal/objstore", "internal/objstore/s3", "internal/objstore/retry", "internal/objstore/meter", "internal/objstore/probe", "uploader", "cache", "fs"},
	"integration":                 {},
	"integration/mounttest":       {"internal/objstore", "uploader", "cache", "fs", "integration/scratch"},
	"integration/scratch":         {},
	"integration/s3server":        {"integration/scratch"},
	"integration/testrun":         {},
	"integration/bench":           {"integration/scratch"},
	"integration/demo":            {"integration/s3server", "integration/scratch", "internal/objstore", "internal/objstore/s3"},
}

// owners names the packages that may import a third-party dependency.
var owners = map[string][]string{
	"github.com/aws/":                {"internal/objstore/s3"},
	"github.com/dgraph-io/ristretto": {"cache"},
	"github.com/hanwen/go-fuse":      {"fs", "integration/mounttest", "integration/bench"},
	"github.com/spf13/":              {"cmd/sluicefs"},
	"github.com/prometheus/":         {"cmd/sluicefs"},
}

// numbers are the packages in which a failure may be an errno: fs answers the
// kernel, and the command and the test programs ask it.
var numbers = []string{"fs", "cmd/sluicefs", "integration/mounttest", "integration/s3server", "integration/bench", "integration/demo", "integration/scratch"}

// sources calls fn for each Go file of the module that is no test. It reads the
// sources itself, so that the test cache sees them.
func sources(t *testing.T, fn func(pkg, path string, f *ast.File)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "tools" || d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return fs.SkipDir // tools has a go.mod of its own
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		fn(filepath.ToSlash(filepath.Dir(rel)), rel, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	sources(t, func(pkg, path string, f *ast.File) {
		seen[pkg] = true
		allowed, listed := layers[pkg]
		if !listed {
			t.Errorf("%s: package is not in the layer table", pkg)
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if own, found := strings.CutPrefix(imp, module); found && !slices.Contains(allowed, own) {
				t.Errorf("%s: must not import %s", path, own)
			}
			for dep, may := range owners {
				if strings.HasPrefix(imp, dep) && !slices.Contains(may, pkg) {
					t.Errorf("%s: must not import %s", path, imp)
				}
			}
		}
	})
	for _, pkg := range []string{"fs", "uploader", "cache", "internal/objstore/s3"} {
		if !seen[pkg] {
			t.Errorf("%s: no sources found: the test looks in the wrong place", pkg)
		}
	}
}

// An errno is what the kernel and the application understand; below fs a failure
// is an error value that says more.
func TestErrnoOnlyInFS(t *testing.T) {
	sources(t, func(pkg, path string, f *ast.File) {
		if slices.Contains(numbers, pkg) {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, ok := s.X.(*ast.Ident)
			if ok && (from.Name == "syscall" || from.Name == "unix") && isErrno(s.Sel.Name) {
				t.Errorf("%s: %s.%s: only fs turns failures into numbers", path, from.Name, s.Sel.Name)
			}
			return true
		})
	})
}

// isErrno reports that a name looks like EIO: Exec does not.
func isErrno(name string) bool {
	return len(name) > 1 && name[0] == 'E' && name == strings.ToUpper(name)
}

// Where work begins and ends with the program, and in tests, a context may come
// from nowhere; everywhere else it is handed down, so that somebody can end it.
func TestNoContextFromNowhere(t *testing.T) {
	sources(t, func(pkg, path string, f *ast.File) {
		if pkg == "cmd/sluicefs" || strings.HasPrefix(pkg, "integration/") || pkg == "internal/objstore/storetest" {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if from, ok := s.X.(*ast.Ident); ok && from.Name == "context" && (s.Sel.Name == "Background" || s.Sel.Name == "TODO") {
				t.Errorf("%s: context.%s", path, s.Sel.Name)
			}
			return true
		})
	})
}

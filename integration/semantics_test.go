//go:build integration

package integration

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
)

// clause is the test of one sentence of docs/SEMANTICS.md.
type clause struct {
	run func(*env)
	// inMemory says why a clause is tested on the store in memory only.
	inMemory string
}

// clauses are the tests by the ids of the sentences.
func clauses() map[string]clause {
	all := map[string]clause{}
	for _, section := range []map[string]clause{
		nameClauses(), openClauses(), writeClauses(), closeClauses(), readClauses(),
		directoryClauses(), renameClauses(), rsyncClauses(), metadataClauses(), consistencyClauses(), errorClauses(), optionClauses(),
	} {
		maps.Copy(all, section)
	}
	return all
}

// TestSemantics runs every clause against a mount of each store.
func TestSemantics(t *testing.T) {
	run := func(t *testing.T, memory bool, newStore func(*testing.T) objstore.Store) {
		for id, c := range clauses() {
			if c.inMemory != "" && !memory {
				continue
			}
			t.Run(id, func(t *testing.T) {
				c.run(newEnv(t, newStore(t)))
			})
		}
	}
	t.Run("memory", func(t *testing.T) {
		run(t, true, func(t *testing.T) objstore.Store {
			p, ok := objstore.ProfileByName("aws")
			if !ok {
				t.Fatal("there is no profile of AWS")
			}
			return mem.New(p)
		})
	})
	t.Run("versitygw", func(t *testing.T) {
		server := versityGW.of(t)
		run(t, false, func(t *testing.T) objstore.Store {
			client := newBucket(t, server, "versitygw", bucketFor("semantics"))
			return retry.New(client, retry.Config{})
		})
	})
}

// TestSemanticsAreTested holds the document and the tests together: each sentence
// with an id has a test, and each test a sentence.
func TestSemanticsAreTested(t *testing.T) {
	text, err := os.ReadFile("../docs/SEMANTICS.md")
	if err != nil {
		t.Fatal(err)
	}
	promised := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^- \[([A-Z]\d+)\]`).FindAllStringSubmatch(string(text), -1) {
		if promised[m[1]] {
			t.Errorf("[%s] stands there twice", m[1])
		}
		promised[m[1]] = true
	}
	if len(promised) == 0 {
		t.Fatal("the document promises nothing: the test reads it wrongly")
	}
	tested := clauses()
	for _, id := range slices.Sorted(maps.Keys(promised)) {
		if tested[id].run == nil {
			t.Errorf("[%s] has no test", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(tested)) {
		if !promised[id] {
			t.Errorf("%s tests a sentence that is not there", id)
		}
	}
}

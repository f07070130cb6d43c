//go:build smallchunks

package uploader_test

import (
	"maps"
	"slices"
	"testing"
)

// turns are what the sequences of the model have to come by, each in one of so
// many at the most. What is seldom seen between two operations is rarer here
// than it happens.
var turns = map[string]int{
	"after an operation: upload under the file's name": 10,
	"after an operation: upload under a hidden key":    50,
	"after an operation: segment":                      20,
	"after an operation: held back":                    20,
	"after an operation: staged":                       50,
	"after an operation: hole":                         10,
	"after an operation: stray part":                   500,
	"after an operation: sealed":                       20,
	"after an operation: spilled":                      20,
	"after an operation: written on its way":           10,
	"after an operation: memory of a part taken":       20,
	"after an operation: part written again":           20,
	"after an operation: header written again":         50,
	"after an operation: part to be staged":            50,
	"after an operation: part cut":                     50,
	"after an operation: change of the base":           10,
	"after an operation: fetched":                      10,
	"after an operation: kept after it was stored":     10,
	"after an operation: left behind by the stream":    100,
	"request: put":                                     10,
	"request: part":                                    10,
	"request: copied part":                             10,
	"request: copied part of several cells":            20,
	"request: copied part of the largest size":         300,
	"request: copied part from the object's beginning": 20,
	"request: copied part of a segment":                50,
	"request: copied part into a hidden object":        500,
	"request: hidden object of parts":                  50,
	"request: object copied aside":                     100,
	"request: unfinished upload ended":                 50,
	"request: range of an object":                      10,
	"too large":                                        150,
	"unsupported: commit":                              500,
	"unsupported: rename":                              300,
}

// TestModelTurns makes sure that the sequences of the model come by every turn that
// a file can take.
func TestModelTurns(t *testing.T) {
	const each = 300
	v := newVisits()
	kinds := modelKinds()
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		g := newGround(t, kinds[name])
		g.store.visits = v
		for s := range uint64(each) {
			if _, err := g.play(generate(s + 1)); err != nil {
				t.Fatalf("sequence %d of %s: %v", s+1, name, err)
			}
			v.next()
		}
	}
	all := each * len(kinds)
	for name, of := range turns {
		if v.count[name]*of < all {
			t.Errorf("%q in %d of %d sequences", name, v.count[name], all)
		}
	}
	for name, n := range v.count {
		if turns[name] == 0 {
			t.Errorf("%q is not in the table, and in %d of %d sequences", name, n, all)
		}
		t.Logf("%5d of 10,000: %s", n*10_000/all, name)
	}
}

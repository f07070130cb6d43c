package storetest

import (
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// Run tests the stores that open returns. It is called once for each test and
// must return an empty bucket each time; cleaning up is its own business. The
// profile's smallest part should be at most a few MiB: the suite sends some
// twenty parts of that size.
func Run(t *testing.T, open func(t *testing.T) objstore.Store) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Objects", objectTests},
		{"Digests", digestTests},
		{"Conditions", conditionTests},
		{"Keys", keyTests},
		{"List", listTests},
		{"Multipart", multipartTests},
		{"Complete", completeTests},
		{"PartCopy", partCopyTests},
		{"Uploads", uploadTests},
		{"Copy", copyTests},
		{"Delete", deleteTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.tests {
				t.Run(c.name, func(t *testing.T) {
					s := open(t)
					c.run(&bench{T: t, store: s, profile: s.Profile()})
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(*bench)
}

//go:build integration

package integration

import (
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/probe"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// TestDoctor probes real servers with their profiles: what is found must be what the
// profiles say, and nothing may be left.
func TestDoctor(t *testing.T) {
	t.Parallel()
	for _, shared := range []*sharedServer{&versityGW, &minIO} {
		name := string(shared.kind)
		t.Run(name, func(t *testing.T) {
			server := shared.of(t)
			bucket := bucketFor("doctor")
			store := newBucket(t, server, name, bucket)
			report, err := probe.Run(t.Context(), probe.Config{
				Profile: *store.Profile(), Prefix: "some/prefix/",
				Open: func(p objstore.Profile) (probe.Target, error) {
					return s3.New(t.Context(), storeConfig(server, p, bucket))
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range report.Checks {
				t.Logf("%-8s %-20s %s %s", c.Verdict, c.Name, c.Detail, c.Option)
			}
			if !report.Safe || len(report.Options) != 0 || len(report.Left) != 0 || len(report.Missing) != 0 {
				t.Errorf("safe %v, options %q, left %q, missing %q", report.Safe, report.Options, report.Left, report.Missing)
			}
			page, err := store.List(t.Context(), objstore.ListOptions{})
			if err != nil || len(page.Objects) != 0 {
				t.Errorf("%d objects are left, %v", len(page.Objects), err)
			}
		})
	}
}

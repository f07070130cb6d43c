package probe_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/memhttp"
	"github.com/sluicefs/sluicefs/internal/objstore/probe"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

const bucket = "doctors-1250000000"

// patient is a store that is probed.
type patient struct {
	*testing.T
	mem    *mem.Store
	served objstore.Store
	p      memhttp.Personality
}

func newPatient(t *testing.T, kind string) *patient {
	t.Helper()
	p, ok := objstore.ProfileByName(kind)
	if !ok {
		t.Fatalf("no profile %s", kind)
	}
	p = small(p)
	m := mem.New(p)
	return &patient{t, m, m, memhttp.PersonalityOf(&p)}
}

// small makes parts small: the rules are the same, the tests quicker.
func small(p objstore.Profile) objstore.Profile {
	p.Part.Min = 64 << 10
	return p
}

// probe serves the patient and probes it with a profile.
func (c *patient) probe(p objstore.Profile) *probe.Report {
	c.Helper()
	p = small(p)
	host := c.p.Host
	site, err := memhttp.Open(memhttp.New(c.served, bucket, c.p), cmp.Or(host, "store.test"), host != "")
	if err != nil {
		c.Fatal(err)
	}
	defer site.Close()
	authority := ""
	if site.Authority != nil {
		authority = filepath.Join(c.TempDir(), "authority.pem")
		if err := os.WriteFile(authority, site.Authority, 0o600); err != nil {
			c.Fatal(err)
		}
	}
	r, err := probe.Run(c.Context(), probe.Config{Profile: p, Prefix: "some/", Open: func(p objstore.Profile) (probe.Target, error) {
		return s3.New(c.Context(), s3.Config{
			Endpoint: site.Endpoint, Bucket: bucket, Profile: p, Dial: site.Dial, CAFile: authority,
			Credentials: s3.Credentials{AccessKey: "k", SecretKey: "s"},
		})
	}})
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// nothingLeft fails the test if the probe left something.
func (c *patient) nothingLeft(r *probe.Report) {
	c.Helper()
	if keys := c.mem.Keys(); len(keys) != 0 || c.mem.Uploads() != 0 || len(r.Left) != 0 {
		c.Errorf("left: keys %q, %d uploads; said %q", keys, c.mem.Uploads(), r.Left)
	}
}

func (c *patient) is(r *probe.Report, name string, want probe.Verdict, detail string) {
	c.Helper()
	if got, ok := r.Find(name); !ok || got.Verdict != want || !strings.Contains(got.Detail, detail) {
		c.Errorf("%s is %+v, want %s and %q in it", name, got, want, detail)
	}
}

// TestPersonalities probes each kind of store with its own profile: nothing is unsafe,
// and what it says of the profile is only what the personality has of its own.
func TestPersonalities(t *testing.T) {
	// The personalities take for the worst what no document tells.
	corrections := map[string][]string{"oss": {"list-uploads=none"}}
	for _, p := range objstore.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			c := newPatient(t, p.Name)
			r := c.probe(p)
			c.nothingLeft(r)
			if !r.Safe {
				t.Errorf("not safe: %+v", r.Checks)
			}
			if !slices.Equal(r.Options, append([]string{}, corrections[p.Name]...)) {
				t.Errorf("options %q, want %q", r.Options, corrections[p.Name])
			}
			if len(r.Missing) > 0 {
				t.Errorf("permissions %q", r.Missing)
			}
		})
	}
}

// TestWhatGenericMisses probes a store that can everything with the profile that
// relies on nothing, and again with what was found.
func TestWhatGenericMisses(t *testing.T) {
	c := newPatient(t, "minio")
	c.p.VirtualHost = ""
	p := objstore.GenericProfile()
	r := c.probe(p)
	if !r.Safe {
		t.Errorf("not safe: %+v", r.Checks)
	}
	for _, o := range []string{"digest=CRC64NVME", "no-clobber-put=if-none-match", "no-clobber-complete=if-none-match", "if-match-put=on", "part-equal=off", "part-consecutive=off", "part-etag=md5", "final-etag=md5-of-md5s", "list-uploads=exact-key"} {
		if !slices.Contains(r.Options, o) {
			t.Errorf("%s is not found: %q", o, r.Options)
		}
	}
	if err := p.Apply(strings.NewReader(strings.Join(r.Options, "\n"))); err != nil {
		t.Fatal(err)
	}
	if again := c.probe(p); !again.Safe || len(again.Options) != 0 {
		t.Errorf("with the corrections: safe %v, options %q", again.Safe, again.Options)
	}
	c.nothingLeft(r)
}

// TestLiars probes stores that fail without a word.
func TestLiars(t *testing.T) {
	for name, c := range map[string]struct {
		kind   string
		lie    func(*memhttp.Personality)
		check  string
		detail string
	}{
		"digests":  {"aws", func(p *memhttp.Personality) { p.Lies.TakesBadDigests = true }, "digests", "stored all the same"},
		"parts":    {"aws", func(p *memhttp.Personality) { p.Lies.TakesBadDigests = true }, "damaged part", "is taken"},
		"puts":     {"aws", func(p *memhttp.Personality) { p.Lies.IgnoresGuards = true }, "exclusive put", "ignores if-none-match"},
		"complete": {"aws", func(p *memhttp.Personality) { p.DoneGuard = memhttp.Ignores }, "exclusive complete", "ignores if-none-match"},
		"if-match": {"minio", func(p *memhttp.Personality) { p.Lies.IgnoresGuards = true }, "conditional put", "ignores If-Match"},
		"header":   {"oss", func(p *memhttp.Personality) { p.ForbidOverwrite = "" }, "exclusive put", "ignores header"},
		"clock":    {"aws", func(p *memhttp.Personality) { p.Lies.Skew = 3600 }, "clock", "the clocks differ"},
	} {
		t.Run(name, func(t *testing.T) {
			patient := newPatient(t, c.kind)
			c.lie(&patient.p)
			p, _ := objstore.ProfileByName(c.kind)
			r := patient.probe(p)
			if r.Safe {
				t.Error("taken for safe")
			}
			patient.is(r, c.check, probe.Unsafe, c.detail)
			patient.nothingLeft(r)
		})
	}
}

// TestPermissions takes one right after the other away.
func TestPermissions(t *testing.T) {
	for _, c := range []struct {
		op, missing, check string
		want               probe.Verdict
	}{
		{objstore.OpPut, "s3:PutObject", "write", probe.Unsafe},
		{objstore.OpGet, "s3:GetObject", "read", probe.Unsafe},
		{objstore.OpList, "s3:ListBucket", "list", probe.Unsafe},
		{objstore.OpListUploads, "s3:ListBucketMultipartUploads", "list uploads", probe.Warning},
		{objstore.OpListParts, "s3:ListMultipartUploadParts", "list parts", probe.Warning},
		{objstore.OpCreateMultipart, "s3:PutObject", "multipart", probe.Unsafe},
	} {
		t.Run(c.op, func(t *testing.T) {
			patient := newPatient(t, "aws")
			f := fault.New(patient.mem)
			f.Add(fault.Rule{Op: c.op, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
			patient.served = f
			r := patient.probe(objstore.DefaultProfile())
			patient.is(r, c.check, c.want, "")
			if !slices.Contains(r.Missing, c.missing) || r.Safe != (c.want != probe.Unsafe) {
				t.Errorf("missing %q, safe %v", r.Missing, r.Safe)
			}
			if c.op != objstore.OpListParts { // without which the server finds no upload to end
				patient.nothingLeft(r)
			}
		})
	}
}

// TestWhatCannotBeRemovedIsSaid takes the right to delete away.
func TestWhatCannotBeRemovedIsSaid(t *testing.T) {
	patient := newPatient(t, "aws")
	f := fault.New(patient.mem)
	f.Add(fault.Rule{Op: objstore.OpDelete, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
	patient.served = f
	r := patient.probe(objstore.DefaultProfile())
	patient.is(r, "delete", probe.Warning, "nothing can be removed")
	if !slices.Contains(r.Missing, "s3:DeleteObject") || len(r.Left) == 0 || !slices.Equal(slices.Sorted(slices.Values(r.Left)), patient.mem.Keys()) {
		t.Errorf("missing %q, left %q of %q", r.Missing, r.Left, patient.mem.Keys())
	}
}

// TestWhatWasNotMadeIsNotLeft takes the right to write away, and that to delete, or to
// look.
func TestWhatWasNotMadeIsNotLeft(t *testing.T) {
	for _, also := range []string{objstore.OpDelete, objstore.OpHead} {
		patient := newPatient(t, "aws")
		f := fault.New(patient.mem)
		for _, op := range []string{objstore.OpPut, objstore.OpDelete, also} {
			f.Add(fault.Rule{Op: op, Mode: fault.Fail, Kind: objstore.ErrAccessDenied})
		}
		patient.served = f
		patient.nothingLeft(patient.probe(objstore.DefaultProfile()))
	}
}

// TestLifecycle has a rule, none, and one that may not be seen.
func TestLifecycle(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*memhttp.Personality)
		want   probe.Verdict
		detail string
	}{
		"rule":   {func(*memhttp.Personality) {}, probe.Good, "7 days"},
		"none":   {func(p *memhttp.Personality) { p.AbortRule = false }, probe.Warning, "no rule"},
		"hidden": {func(p *memhttp.Personality) { p.LifecycleHidden = true }, probe.Unknown, "may not be read"},
	} {
		patient := newPatient(t, "aws")
		c.change(&patient.p)
		r := patient.probe(objstore.DefaultProfile())
		patient.is(r, "lifecycle", c.want, c.detail)
		if !r.Safe {
			t.Errorf("%s: not safe", name)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	_, err := probe.Run(t.Context(), probe.Config{Profile: objstore.GenericProfile(), Open: func(p objstore.Profile) (probe.Target, error) {
		return s3.New(t.Context(), s3.Config{Endpoint: "http://127.0.0.1:1", Bucket: bucket, Profile: p, Credentials: s3.Credentials{Anonymous: true}})
	}})
	if !errors.Is(err, objstore.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// TestGivenUp ends the probe in its middle: what it made is removed all the same.
func TestGivenUp(t *testing.T) {
	c := newPatient(t, "minio")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	inner := memhttp.New(c.mem, bucket, c.p)
	site, err := memhttp.Open(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 40 {
			cancel()
		}
		inner.ServeHTTP(w, r)
	}), "store.test", false)
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	p, _ := objstore.ProfileByName("minio")
	_, err = probe.Run(ctx, probe.Config{Profile: p, Open: func(p objstore.Profile) (probe.Target, error) {
		return s3.New(t.Context(), s3.Config{Endpoint: site.Endpoint, Bucket: bucket, Profile: p, Dial: site.Dial, Credentials: s3.Credentials{AccessKey: "k", SecretKey: "s"}})
	}})
	if !errors.Is(err, context.Canceled) || c.mem.Uploads() != 0 || len(c.mem.Keys()) != 0 {
		t.Errorf("%v; left %q and %d uploads", err, c.mem.Keys(), c.mem.Uploads())
	}
}

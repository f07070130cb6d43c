package objstore_test

import (
	"maps"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

func TestWhatTheNameGaveGoesWithTheName(t *testing.T) {
	for _, c := range []struct{ had, was, now, want string }{
		{"text/html", "text/html", "image/png", "image/png"}, // by the old name
		{"text/x-own", "text/html", "image/png", "text/x-own"},
		{"binary/octet-stream", "", "image/png", "image/png"},
		{"application/octet-stream", "", "", "application/octet-stream"},
		{"text/html", "text/html", "", "text/html"}, // the new name says nothing
		{"", "", "image/png", "image/png"},
		{"", "", "", ""},
	} {
		got := objstore.Carried(objstore.ObjectOptions{ContentType: c.had},
			objstore.ObjectOptions{ContentType: c.was}, objstore.ObjectOptions{ContentType: c.now})
		if got.ContentType != c.want {
			t.Errorf("%q, by the names %q and %q: %q, want %q", c.had, c.was, c.now, got.ContentType, c.want)
		}
	}
}

func TestWhatSomebodySetStays(t *testing.T) {
	had := objstore.ObjectOptions{
		CacheControl: "own", ContentDisposition: "own", ContentEncoding: "own", ContentLanguage: "own", Expires: "own",
		StorageClass: "OWN", TagsFrom: "k", Metadata: map[string]string{"a": "own", "b": "by rule"},
		SSE: objstore.SSE{Mode: "kms", KMSKeyID: "own"},
	}
	rules := objstore.ObjectOptions{
		CacheControl: "rule", ContentDisposition: "rule", ContentEncoding: "rule", ContentLanguage: "rule", Expires: "rule",
		StorageClass: "RULE", Tags: map[string]string{"t": "rule"}, Metadata: map[string]string{"a": "rule", "b": "now", "c": "now"},
		ACL: "private", Grants: objstore.Grants{Read: "x"},
	}
	was := objstore.ObjectOptions{Metadata: map[string]string{"b": "by rule"}}
	got := objstore.Carried(had, was, rules)
	if !maps.Equal(got.Metadata, map[string]string{"a": "own", "b": "now", "c": "now"}) {
		t.Errorf("metadata %v", got.Metadata)
	}
	if got.ACL != "private" || got.Grants.Read != "x" {
		t.Errorf("ACL %q, grants %+v: no store tells what was there", got.ACL, got.Grants)
	}
	got.Metadata, got.ACL, got.Grants = had.Metadata, "", objstore.Grants{}
	if !objstore.SameHeaders(got, had) || got.StorageClass != had.StorageClass || got.SSE.KMSKeyID != "own" {
		t.Errorf("%+v, want %+v", got, had)
	}
}

func TestMissingPropertiesComeFromTheRules(t *testing.T) {
	rules := objstore.ObjectOptions{
		ContentType: "a/b", CacheControl: "c", StorageClass: "STANDARD_IA", Tags: map[string]string{"t": "v"},
		SSE: objstore.SSE{Mode: "kms", KMSKeyID: "k", KMSContext: "x"},
	}
	got := objstore.Carried(objstore.ObjectOptions{SSE: objstore.SSE{Mode: "aes256"}}, rules, rules)
	if !objstore.SameHeaders(got, rules) || got.StorageClass != "STANDARD_IA" || got.SSE.Mode != "kms" || got.SSE.KMSContext != "x" {
		t.Errorf("%+v", got)
	}
}

func TestNewContentIsNotArchivedUnlessTheRulesSaySo(t *testing.T) {
	for _, c := range []struct{ had, rule, want string }{
		{"GLACIER", "", ""}, {"DEEP_ARCHIVE", "STANDARD_IA", "STANDARD_IA"}, {"STANDARD_IA", "", "STANDARD_IA"},
		{"", "GLACIER", "GLACIER"}, {"GLACIER_IR", "", "GLACIER_IR"},
	} {
		got := objstore.Rewritten(objstore.ObjectOptions{StorageClass: c.had}, objstore.ObjectOptions{StorageClass: c.rule})
		if got.StorageClass != c.want {
			t.Errorf("%q by the rule %q: %q, want %q", c.had, c.rule, got.StorageClass, c.want)
		}
	}
}

func TestCarriedMetadataIsTheCallersOwn(t *testing.T) {
	had := objstore.ObjectOptions{Metadata: map[string]string{"a": "b"}}
	objstore.Carried(had, objstore.ObjectOptions{}, objstore.ObjectOptions{}).Metadata["a"] = "changed"
	if had.Metadata["a"] != "b" {
		t.Error("the map of the argument was changed")
	}
}

package byname_test

import (
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/byname"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

func rules(t *testing.T, text string) byname.Rules {
	t.Helper()
	r, err := byname.ReadRules(strings.NewReader(text), "rules")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, yes, no string // paths, with spaces between them
	}{
		{"*.jpg", "a.jpg d/a.jpg d/e/.jpg", "a.jpeg a.jpg/b A.JPG"},
		{"/*.jpg", "a.jpg", "d/a.jpg"},
		{"logs/*", "logs/a", "logs/a/b x/logs/a logs"},
		{"logs/", "logs/a logs/a/b logs/", "logs x/logs/a"},
		{"logs/**", "logs/a logs/a/b", "logs"},
		{"logs/**/*.gz", "logs/a.gz logs/x/y/a.gz", "logs/a a.gz"},
		{"**/raw/*", "raw/a x/raw/a x/y/raw/a", "raw x/raw/a/b"},
		{"a?[0-9]", "ab1 d/ax9", "a1 abc"},
		{"*", "a d/a d/", ""},
		{"**", "a d/a", ""},
	} {
		r := rules(t, c.pattern+": acl=x")
		matches := func(path string) bool { return r.Apply(path, objstore.ObjectOptions{}).ACL == "x" }
		for _, path := range strings.Fields(c.yes) {
			if !matches(path) {
				t.Errorf("%s does not match %s", c.pattern, path)
			}
		}
		for _, path := range strings.Fields(c.no) {
			if matches(path) {
				t.Errorf("%s matches %s", c.pattern, path)
			}
		}
	}
}

func TestLaterRulesWin(t *testing.T) {
	r := rules(t, `# cold things
*.jpg: storage-class=STANDARD_IA content-type=image/x cache-control="max-age=60, public" meta-Album=a
keep/: storage-class=
"with space: and colon*": content-disposition="attachment; filename=\"a b\\.txt\"" expires=2030-01-31T12:00:00+01:00
*.kms: sse=kms sse-kms-key-id=k sse-kms-context=a=b sse-bucket-key=true tags=t=1&u=%20x
*.plain: sse=aes256
`)
	flags := objstore.ObjectOptions{StorageClass: "GLACIER_IR", Metadata: map[string]string{"m": "flag"}, SSE: objstore.SSE{Mode: "kms", KMSKeyID: "flag"}}
	o := r.Apply("d/a.jpg", flags)
	if o.StorageClass != "STANDARD_IA" || o.ContentType != "image/x" || o.CacheControl != "max-age=60, public" ||
		!maps.Equal(o.Metadata, map[string]string{"m": "flag", "album": "a"}) || o.SSE.KMSKeyID != "flag" {
		t.Errorf("%+v", o)
	}
	if o := r.Apply("keep/a.jpg", flags); o.StorageClass != "" || o.ContentType != "image/x" {
		t.Errorf("%+v", o)
	}
	if o := r.Apply("with space: and colon!", flags); o.ContentDisposition != `attachment; filename="a b\.txt"` || o.Expires != "Thu, 31 Jan 2030 11:00:00 GMT" {
		t.Errorf("%+v", o)
	}
	if o := r.Apply("a.kms", flags); o.SSE.KMSKeyID != "k" || !o.SSE.BucketKey || !maps.Equal(o.Tags, map[string]string{"t": "1", "u": " x"}) {
		t.Errorf("%+v", o)
	} else if context, err := base64.StdEncoding.DecodeString(o.SSE.KMSContext); err != nil || string(context) != `{"a":"b"}` {
		t.Errorf("context %q, %v", context, err)
	}
	if o := r.Apply("a.plain", flags); o.SSE.Mode != "aes256" || o.SSE.KMSKeyID != "" {
		t.Errorf("the key of another mode stayed: %+v", o.SSE)
	}
	if len(flags.Metadata) != 1 {
		t.Error("the flags were changed")
	}
}

func TestWrongRules(t *testing.T) {
	for line, want := range map[string]string{
		"*.jpg":                         "want PATTERN",
		"*.jpg storage-class=X":         "want PATTERN",
		": acl=x":                       "want PATTERN",
		"*.jpg: ":                       "want PATTERN", // the space is trimmed
		"*.jpg: storage-class":          "name=value",
		"*.jpg: storage-clas=X":         "no such property",
		"[a: acl=x":                     "bad pattern",
		"a//b: acl=x":                   "bad pattern",
		`*: cache-control="open`:        "not closed",
		"*: sse=rot13":                  "want aes256",
		"*: sse-bucket-key=1":           "true or false",
		"*: expires=tomorrow":           "want a time",
		"*: tags=a=1,a=2":               "twice",
		"*: tags==1":                    "name=value",
		"*: tags=" + elevenTags():       "at the most",
		"*: content-type=jpeg":          "content type",
		"*: meta-a:b=c":                 "letters",
		"*: grant-all=x":                "grant-full-control",
		"*: sse-kms-context={\"a\":1}":  "JSON",
		"*: content-language=\"a\x01\"": "control",
	} {
		_, err := byname.ReadRules(strings.NewReader("# a\n\n"+line+"\n*: acl=x\n"), "rules.conf")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "rules.conf, line 3: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

func elevenTags() string { return "a=,b=,c=,d=,e=,f=,g=,h=,i=,j=,k=" }

func TestOrderOfProperties(t *testing.T) {
	p := byname.Properties{
		Types: byname.CommonTypes(),
		Flags: objstore.ObjectOptions{CacheControl: "flag", StorageClass: "flag"},
		Rules: rules(t, "a.jpg: storage-class=rule\nb.jpg: content-type=x/y"),
	}
	if o := p.Of("a.jpg"); o.CacheControl != "flag" || o.StorageClass != "rule" || o.ContentType != "image/jpeg" {
		t.Errorf("%+v", o)
	}
	if o := p.Of("b.jpg"); o.ContentType != "x/y" || o.StorageClass != "flag" {
		t.Errorf("%+v", o)
	}
	var classes []string
	stop := errors.New("stop")
	err := p.Each(func(o objstore.ObjectOptions) error {
		if classes = append(classes, o.StorageClass); o.StorageClass == "rule" {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || !strings.Contains(err.Error(), "rules, line 1") || strings.Join(classes, " ") != "flag rule" {
		t.Errorf("%v, %v", classes, err)
	}
}

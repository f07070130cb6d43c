package objstore_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// TestProfilesPrintAndApply has every profile written and read back, which finds
// a field that is lost on the way.
func TestProfilesPrintAndApply(t *testing.T) {
	for _, want := range objstore.Profiles() {
		var text bytes.Buffer
		if err := want.Print(&text); err != nil {
			t.Fatal(err)
		}
		var got objstore.Profile
		if err := got.Apply(&text); err != nil {
			t.Errorf("%s: %v", want.Name, err)
		}
		if !reflect.DeepEqual(withoutEmpty(got), withoutEmpty(want)) {
			t.Errorf("%s: read back as\n%+v\nwant\n%+v", want.Name, got, want)
		}
		if err := want.Check(); err != nil {
			t.Errorf("%s: %v", want.Name, err)
		}
	}
}

// withoutEmpty makes lists of nothing alike that mean the same: hosts have no "unknown".
func withoutEmpty(p objstore.Profile) objstore.Profile {
	for _, list := range []*[]string{&p.Hosts, &p.Servers, &p.RegionHosts} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return p
}

// TestEveryFieldIsAnOption changes each field of a profile in turn and looks
// whether the printed lines change.
func TestEveryFieldIsAnOption(t *testing.T) {
	var base objstore.Profile
	plain := printed(t, &base)
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
			return
		}
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int, reflect.Int32, reflect.Int64:
			v.SetInt(7)
		case reflect.String:
			v.SetString("changed")
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		default:
			t.Fatalf("%s: a kind of field that the test does not know", path)
		}
		if printed(t, &base) == plain {
			t.Errorf("Profile%s is no option", path)
		}
		v.Set(old)
	}
	walk(reflect.ValueOf(&base).Elem(), "")
}

func printed(t *testing.T, p *objstore.Profile) string {
	t.Helper()
	var text strings.Builder
	if err := p.Print(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestSet(t *testing.T) {
	p, _ := objstore.ProfileByName("generic")
	for _, c := range []struct{ name, value, want string }{
		{"part-min", "1MiB", "1MiB"}, {"part-max", "5000000000", "5GB"}, {"max-object", "0", "0"}, {"part-count", "1000", "1000"},
		{"expect", "yes", "on"}, {"part-equal", "off", "off"}, {"style", "virtual-host", "virtual-host"},
		{"no-clobber-put", "header", "header"}, {"digest", "none", "none"}, {"digest", "CRC32C", "CRC32C"},
		{"classes", "A B", "A B"}, {"classes", "any", "any"}, {"classes", "", ""}, {"key-forbid-first", `"/\\"`, `"/\\"`},
		{"key-refuse", `"\x18"`, `"\x18"`}, {"encryption", "aes256 kms:dsse sm4:X-A:SM4", "aes256 kms:dsse sm4:X-A:SM4"},
		{"encryption", "kms:X-A:KMS:X-Key kms:dsse:X-A:D", "kms:X-A:KMS:X-Key kms:dsse:X-A:D"}, {"list-uploads", "none", "none"},
	} {
		if err := p.Set(c.name, c.value); err != nil {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
		if got, ok := p.Get(c.name); !ok || got != c.want {
			t.Errorf("%s=%s: %q", c.name, c.value, got)
		}
	}
	for _, wrong := range [][2]string{
		{"no-such", "x"}, {"style", "both"}, {"part-min", "many"}, {"part-min", "-1"}, {"part-min", "9999999TiB"}, {"expect", "maybe"},
		{"digest", "MD4"}, {"part-count", "99999999999"}, {"key-refuse", `"open`}, {"encryption", "rot13"}, {"encryption", "kms:X-A"},
	} {
		if err := p.Set(wrong[0], wrong[1]); err == nil || !strings.Contains(err.Error(), wrong[0]) {
			t.Errorf("%s=%s: %v", wrong[0], wrong[1], err)
		}
	}
	if _, ok := p.Get("no-such"); ok {
		t.Error("a property that there is not")
	}
}

func TestApplyTellsTheLine(t *testing.T) {
	p, _ := objstore.ProfileByName("generic")
	if err := p.Apply(strings.NewReader("# mine\n\nprovider = x\nexpect = on\n")); err != nil || !p.Expect || p.Name != "x" {
		t.Errorf("expect %v, %q, %v", p.Expect, p.Name, err)
	}
	for text, want := range map[string]string{"expect": "line 1: want name = value", "\nexpect = perhaps": "line 2"} {
		if err := p.Apply(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCheckFindsContradictions(t *testing.T) {
	for name, change := range map[string]func(*objstore.Profile){
		"no parts":         func(p *objstore.Profile) { p.Part.MaxCount = 0 },
		"no align":         func(p *objstore.Profile) { p.Part.Align = 0 },
		"small parts":      func(p *objstore.Profile) { p.Part.Max = 1 },
		"guard":            func(p *objstore.Profile) { p.NoClobberDone = objstore.GuardHeader },
		"header alone":     func(p *objstore.Profile) { p.AnswerHeader = "X" },
		"MD5 of the whole": func(p *objstore.Profile) { p.FullDigest = true },
	} {
		p, _ := objstore.ProfileByName("generic")
		change(&p)
		if p.Check() == nil {
			t.Errorf("%s is not found", name)
		}
	}
}

func TestRegionOf(t *testing.T) {
	for host, want := range map[string]string{
		"aws s3.eu-west-1.amazonaws.com": "eu-west-1", "aws s3.dualstack.eu-west-1.amazonaws.com": "eu-west-1", "aws s3.amazonaws.com": "",
		"aws s3-accelerate.amazonaws.com": "", "aws s3.cn-north-1.amazonaws.com.cn": "cn-north-1",
		"oss oss-cn-hangzhou.aliyuncs.com": "cn-hangzhou", "oss oss-cn-hangzhou-internal.aliyuncs.com": "cn-hangzhou",
		"oss s3.oss-cn-beijing.aliyuncs.com": "cn-beijing", "oss oss-accelerate.aliyuncs.com": "",
		"cos cos.ap-guangzhou.myqcloud.com": "ap-guangzhou", "cos cos.accelerate.myqcloud.com": "", "bos s3.bj.bcebos.com": "bj",
		"bos gz.bcebos.com": "gz", "b2 s3.us-west-004.backblazeb2.com": "us-west-004", "wasabi s3.eu-central-1.wasabisys.com": "eu-central-1",
		"r2 acc.r2.cloudflarestorage.com": "", "generic 127.0.0.1": "",
	} {
		name, host, _ := strings.Cut(host, " ")
		p, ok := objstore.ProfileByName(name)
		if got := p.RegionOf(host); !ok || got != want {
			t.Errorf("%s: region %q of %s", name, got, host)
		}
	}
}

func TestProfileByHost(t *testing.T) {
	for host, want := range map[string]string{
		"s3.amazonaws.com": "aws", "bucket.oss-cn-hangzhou.aliyuncs.com": "oss", "cos.ap-guangzhou.myqcloud.com": "cos",
		"s3.bj.bcebos.com": "bos", "x.r2.cloudflarestorage.com": "r2", "x.eu.r2.cloudflarestorage.com": "r2", "s3.us-west-004.backblazeb2.com": "b2",
		"storage.googleapis.com": "gcs", "s3.wasabisys.com": "wasabi", "minio.example.com": "", "notamazonaws.com": "",
	} {
		if p, ok := objstore.ProfileByHost(host); p.Name != want || ok != (want != "") {
			t.Errorf("%s: %q", host, p.Name)
		}
	}
}

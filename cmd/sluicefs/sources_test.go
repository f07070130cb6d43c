package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/byname"
)

// parseMount runs the mount command up to the point where it would look at this
// machine, and returns its options.
func parseMount(t *testing.T, args ...string) (*mountOptions, error) {
	t.Helper()
	p := &program{argv: []string{"sluicefs"}, host: host{root: true}}
	cmd := p.mountCommand()
	var o mountOptions
	cmd.ResetFlags()
	o.addFlags(cmd, true)
	if err := cmd.ParseFlags(args); err != nil {
		return nil, err
	}
	if err := fillIn(cmd.Flags(), o.options, &o.config); err != nil {
		return nil, err
	}
	return &o, nil
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluicefs.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPrecedence(t *testing.T) {
	file := configFile(t, "# a comment\n\nregion = from-file\nmemory = 1GiB\n  allow-other\n")
	for _, c := range []struct {
		name   string
		env    string
		args   []string
		region string
	}{
		{"default", "", nil, ""},
		{"file", "", []string{"--config", file}, "from-file"},
		{"environment over file", "from-env", []string{"--config", file}, "from-env"},
		{"-o over environment", "from-env", []string{"--config", file, "-o", "region=from-o"}, "from-o"},
		{"flag over -o", "from-env", []string{"--config", file, "-o", "region=from-o", "--region", "from-flag"}, "from-flag"},
		{"empty flag over -o", "from-env", []string{"-o", "region=from-o", "--region="}, ""},
		{"empty variable counts as none", "", []string{"-o", "config=" + file}, "from-file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SLUICEFS_REGION", c.env)
			o, err := parseMount(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if o.store.region != c.region {
				t.Errorf("the region is %q, want %q", o.store.region, c.region)
			}
			if o.config != "" && (int64(o.memory) != 1<<30 || !o.tree.allowOther) {
				t.Errorf("the rest of the file is lost: memory %s, allow-other %v", &o.memory, o.tree.allowOther)
			}
		})
	}
}

func TestConfigFromEnvironment(t *testing.T) {
	t.Setenv("SLUICEFS_CONFIG", configFile(t, "write-back = false\nupload-concurrency=3"))
	o, err := parseMount(t)
	if err != nil || o.write.writeBack || o.write.concurrency != 3 {
		t.Errorf("write-back %v, concurrency %d (%v)", o.write.writeBack, o.write.concurrency, err)
	}
}

func TestPairs(t *testing.T) {
	t.Setenv("SLUICEFS_PATH_STYLE", "true")
	o, err := parseMount(t, "--virtual-host")
	if err != nil || o.store.pathStyle || !o.store.virtualHost {
		t.Errorf("a flag does not hide its opposite in the environment: %+v, %v", o, err)
	}
	for _, args := range [][]string{{"--virtual-host", "--path-style"}, {"-o", "virtual-host,path-style"}} {
		if _, err := parseMount(t, args...); err == nil || !strings.Contains(err.Error(), "exclude each other") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// TestRepeated gives several values at each place.
func TestRepeated(t *testing.T) {
	file := configFile(t, "meta = a=1\nmeta = b=2\nprovider_option = part-copy=false\nprovider-option = copy-guards=false\nro\n")
	for _, c := range []struct {
		name, env string
		args      []string
	}{
		{"flags", "", []string{"--meta", "a=1", "--meta", "b=2"}},
		{"-o", "", []string{"-o", "meta=a=1,meta=b=2"}},
		{"two -o", "", []string{"-o", "meta=a=1", "-o", "meta=b=2"}},
		{"environment", "a=1\nb=2\n", nil},
		{"file", "", []string{"--config", file}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SLUICEFS_META", c.env)
			o, err := parseMount(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if got := (&properties{o.object.given, byname.MetaPrefix}).String(); got != "a=1,b=2" {
				t.Errorf("the metadata is %q", got)
			}
			if o.config != "" && (len(o.store.corrections.given) != 2 || !o.tree.readOnly) {
				t.Errorf("the rest of the file is lost: %q, read-only %v", o.store.corrections.given, o.tree.readOnly)
			}
		})
	}
	o, err := parseMount(t, "-o", `region=one,memory=lots,tags="k=1,l=2",region=two`, "-o", "memory=1GiB")
	if err != nil {
		t.Fatal(err)
	}
	if o.store.region != "two" || int64(o.memory) != 1<<30 || o.object.given["tags"] != "k=1,l=2" {
		t.Errorf("the last one does not win: region %s, memory %s, tags %s", o.store.region, &o.memory, o.object.given["tags"])
	}
}

func TestMistakesInSources(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown option", []string{"-o", "frobnicate=1"}, `unknown option "frobnicate" in -o`},
		{"mistyped option", []string{"-o", "part-sise=1"}, `did you mean "part-size"?`},
		{"as typed", []string{"-o", "_rnetdev"}, `unknown option "_rnetdev" in -o`},
		{"value as typed", []string{"-o", "part_size=lots"}, "-o part_size=lots: want a size"},
		{"remount", []string{"-o", "remount,ro"}, "-o remount: a mount keeps its options"},
		{"value of an option", []string{"-o", "memory=lots"}, "-o memory=lots: want a size such as 64MiB"},
		{"mistyped name in a file", []string{"--config", configFile(t, "reigon = x")}, `did you mean "region"?`},
		{"no such file", []string{"--config", filepath.Join(t.TempDir(), "none")}, "no such file"},
		{"broken line", []string{"--config", configFile(t, "region = a\nuse the force = 1")}, "line 2: want name = value"},
		{"twice", []string{"--config", configFile(t, "region = a\nregion = b")}, "line 2: region is there twice"},
		{"twice under two names", []string{"--config", configFile(t, "part-size = 1\npart_size = 2")}, "line 2: part_size is there twice"},
		{"config in a file", []string{"--config", configFile(t, "config = x")}, "cannot name another"},
		{"-o in a file", []string{"--config", configFile(t, "options = ro")}, `unknown option "options"`},
		{"help in -o", []string{"-o", "help"}, `unknown option "help"`},
		{"choice", []string{"-o", "conflict=win"}, "want fail or overwrite or keep-both"},
		{"no such feature", []string{"-o", "warp=9"}, `unknown option "warp"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseMount(t, c.args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q in it", err, c.want)
			}
		})
	}
	t.Run("environment", func(t *testing.T) {
		t.Setenv("SLUICEFS_ATTR_TTL", "soon")
		if _, err := parseMount(t); err == nil || !strings.Contains(err.Error(), "SLUICEFS_ATTR_TTL=soon: ") {
			t.Error(err)
		}
	})
}

func TestCheckOptions(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // "" is no error
	}{
		{nil, ""},
		{[]string{"--endpoint", "localhost:9000"}, "want http://"},
		{[]string{"--provider", "minio"}, ""},
		{[]string{"--provider", "gopher"}, "choose aws, oss, cos, bos, minio"},
		{[]string{"--upload-concurrency", "0"}, "must be 1 or more"},
		{[]string{"--attr-ttl=-1s"}, "must not be negative"},
		{[]string{"--sse", "aes256", "--sse-kms-key-id", "k"}, "needs --sse kms"},
		{[]string{"--sse", "kms", "--sse-kms-key-id", "k"}, ""},
		{[]string{"--anonymous", "--profile", "p"}, "exclude each other"},
		{[]string{"--state-dir="}, "must not be empty"},
		{[]string{"--cache-size", "1GiB"}, "--cache-size needs --cache-dir"},
		{[]string{"--cache-size", "1GiB", "--cache-dir", "d"}, ""},
		{[]string{"--ca-file", "/no/such/file"}, "--ca-file: open /no/such/file: no such file"},
		{[]string{"--ca-file", os.DevNull}, "--ca-file: no certificate in " + os.DevNull},
		{[]string{"--virtual-host", "--endpoint", "http://127.0.0.1:9000"}, "--virtual-host: there are no names below an IP address"},
		{[]string{"--virtual-host", "--endpoint", "http://[::1]:9000"}, "--virtual-host: there are no names below an IP address"},
		{[]string{"--virtual-host", "--endpoint", "http://localhost:9000"}, ""},
	} {
		o, err := parseMount(t, c.args...)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		switch err := o.check(); {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.args, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: %v, want %q in it", c.args, err, c.want)
		}
	}
}

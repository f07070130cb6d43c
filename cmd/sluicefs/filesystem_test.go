package main

import "testing"

func TestIsHidden(t *testing.T) {
	for key, want := range map[string]bool{
		".sluicefs/": true, ".sluicefs/stage/1": true, "a/b/.sluicefs/stage/1": true, "a/.sluicefs/": true,
		".sluicefs": false, "a.sluicefs/b": false, "a/.sluicefs": false, ".sluicefsx/": false, "": false,
	} {
		if got := isHidden(key); got != want {
			t.Errorf("%q: %v, want %v", key, got, want)
		}
	}
}

func TestExpectedPermissions(t *testing.T) {
	o, err := parseMount(t, "--file-mode", "666", "--dir-mode", "777", "--umask", "027", "--attr-ttl", "0")
	if err != nil {
		t.Fatal(err)
	}
	log, err := newLogger(o.log, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if cfg := o.fsConfig(log); cfg.FileMode != 0o640 || cfg.DirMode != 0o750 || cfg.AttrTTL >= 0 {
		t.Errorf("files %#o, directories %#o, attributes for %s", cfg.FileMode, cfg.DirMode, cfg.AttrTTL)
	}
}

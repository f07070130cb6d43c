package main

import (
	"maps"
	"slices"
	"testing"
)

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		lists []string
		want  map[string]string
	}{
		{nil, map[string]string{}},
		{[]string{""}, map[string]string{}},
		{[]string{"rw,noauto,_netdev,user,nofail,x-systemd.automount,x-systemd.requires=network.target,defaults,nosuid,nodev,exec,noatime"}, map[string]string{}},
		{[]string{"ro"}, map[string]string{"read-only": "true"}},
		{[]string{"allow_other,part_size=16M"}, map[string]string{"allow-other": "true", "part-size": "16M"}},
		{[]string{"endpoint=http://h/?a=b", "uid=1"}, map[string]string{"endpoint": "http://h/?a=b", "uid": "1"}},
		{[]string{"write-back=false"}, map[string]string{"write-back": "false"}},
		{[]string{"region="}, map[string]string{"region": ""}},
	} {
		got, err := parseOptions(c.lists)
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%q is %v (%v), want %v", c.lists, got, err, c.want)
		}
	}
	if got, err := parseOptions([]string{"=x"}); err == nil {
		t.Errorf("an option without a name is %v", got)
	}
}

func TestParseHelperCall(t *testing.T) {
	for _, c := range []struct{ args, want []string }{
		{[]string{"bucket", "/mnt", "-o", "rw,uid=1"}, []string{"mount", "-o", "rw,uid=1", "--", "bucket", "/mnt"}},
		{[]string{"bucket", "/mnt"}, []string{"mount", "--", "bucket", "/mnt"}},
		{[]string{"-snv", "bucket", "/mnt", "-t", "sluicefs", "-orw"}, []string{"mount", "-orw", "--", "bucket", "/mnt"}},
		{[]string{"-n", "bucket", "/mnt", "-o", "a", "-o", "b"}, []string{"mount", "-o", "a", "-o", "b", "--", "bucket", "/mnt"}},
	} {
		got, err := parseHelperCall(c.args)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q is %q (%v), want %q", c.args, got, err, c.want)
		}
	}
	for _, args := range [][]string{{"bucket", "/mnt", "-o"}, {"bucket", "/mnt", "-N", "ns"}, {"bucket", "/mnt", "-f"}, {"bucket", "/mnt", "--endpoint", "x"}} {
		if got, err := parseHelperCall(args); err == nil {
			t.Errorf("%q is taken for %q", args, got)
		}
	}
}

func TestIsFstabForm(t *testing.T) {
	root := (&program{argv: []string{"sluicefs"}}).rootCommand()
	for _, c := range []struct {
		args []string
		want bool
	}{
		{[]string{"bucket", "/mnt", "-o", "rw"}, true},
		{[]string{"-o", "rw", "bucket", "/mnt"}, true},
		{[]string{"bucket", "/mnt", "-orw"}, true},
		{[]string{"bucket", "/mnt"}, false},
		{[]string{"mount", "bucket", "/mnt", "-o", "rw"}, false},
		{[]string{"umount", "/mnt", "-o", "rw"}, false},
		{[]string{"help", "mount", "-o"}, false},
		{[]string{"--help"}, false},
	} {
		if got := isFstabForm(root, c.args); got != c.want {
			t.Errorf("%q: %v, want %v", c.args, got, c.want)
		}
	}
}

package main

import (
	"slices"
	"testing"
)

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		lists []string
		want  []string // flag=value
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{"rw,noauto,_netdev,user,nofail,x-systemd.automount,x-systemd.requires=network.target,defaults,nosuid,nodev,exec,noatime"}, nil},
		{[]string{"ro"}, []string{"read-only=true"}},
		{[]string{"ro,rw"}, nil},
		{[]string{"users,noexec,nosuid,nodev"}, []string{"no-exec=true"}},
		{[]string{"noexec,exec,dev,suid,sync,strictatime,lazytime,norelatime,iversion,noiversion"}, nil},
		{[]string{"rw,ro"}, []string{"read-only=true"}},
		{[]string{"allow_other,,part_size=16M,"}, []string{"allow-other=true", "part-size=16M"}},
		{[]string{"endpoint=http://h/?a=b", "uid=1"}, []string{"endpoint=http://h/?a=b", "uid=1"}},
		{[]string{"write-back=false"}, []string{"write-back=false"}},
		{[]string{"region="}, []string{"region="}},
		{[]string{"meta=a=1,meta=b=2", "meta=c=3"}, []string{"meta=a=1", "meta=b=2", "meta=c=3"}},
		{[]string{`tags="k=1,l=2",uid=1`}, []string{"tags=k=1,l=2", "uid=1"}},
		{[]string{`sse-kms-context={"a":"b"}`}, []string{`sse-kms-context={"a":"b"}`}},
	} {
		var got []string
		settings, err := parseOptions(c.lists)
		for _, s := range settings {
			got = append(got, s.flag+"="+s.value)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q is %q (%v), want %q", c.lists, got, err, c.want)
		}
	}
	for _, list := range []string{"=x", `tags="k=1,l=2`, "remount,ro"} {
		if got, err := parseOptions([]string{list}); err == nil {
			t.Errorf("%s is %v", list, got)
		}
	}
}

func TestParseHelperCall(t *testing.T) {
	for _, c := range []struct{ args, want []string }{
		{[]string{"bucket", "/mnt", "-o", "rw,uid=1"}, []string{"mount", "-o", "rw,uid=1", "--", "bucket", "/mnt"}},
		{[]string{"bucket", "/mnt"}, []string{"mount", "--", "bucket", "/mnt"}},
		{[]string{"-snv", "bucket", "/mnt", "-t", "sluicefs", "-orw"}, []string{"mount", "-orw", "--", "bucket", "/mnt"}},
		{[]string{"-n", "bucket", "/mnt", "-o", "a", "-o", "b"}, []string{"mount", "-o", "a", "-o", "b", "--", "bucket", "/mnt"}},
		{[]string{"bucket", "/mnt", "-sw", "-r"}, []string{"mount", "-o", "rw", "-o", "ro", "--", "bucket", "/mnt"}},
		{[]string{"bucket", "/mnt", "-sfn", "-o", "rw"}, nil},
	} {
		got, err := parseHelperCall(c.args)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q is %q (%v), want %q", c.args, got, err, c.want)
		}
	}
	for _, args := range [][]string{{"bucket", "/mnt", "-o"}, {"bucket", "/mnt", "-N", "ns"}, {"bucket", "/mnt", "-"}, {"bucket", "/mnt", "-sx"}, {"bucket", "/mnt", "--endpoint", "x"}} {
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

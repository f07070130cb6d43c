package main

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"mount", "umount", "version", "part-size", "upload-concurrency"}
	for word, want := range map[string]string{
		"mout": "mount", "umont": "umount", "versoin": "version", "vers": "version", "part_size": "part-size",
		"bucket": "", "": "", "x": "", "upload": "upload-concurrency",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("%q suggests %q, want %q", word, got, want)
		}
	}
}

package main

import (
	"strings"
	"testing"
)

func TestParseLocation(t *testing.T) {
	for text, want := range map[string]location{
		"bucket":              {"bucket", ""},
		"s3://bucket":         {"bucket", ""},
		"bucket/":             {"bucket", ""},
		"bucket/a":            {"bucket", "a/"},
		"s3://bucket/a/b":     {"bucket", "a/b/"},
		"s3://bucket/a b/ü/":  {"bucket", "a b/ü/"},
		"my.bucket-1/x":       {"my.bucket-1", "x/"},
		"Old_Bucket":          {"Old_Bucket", ""},
		"bucket/.../..a/ok..": {"bucket", ".../..a/ok../"},
	} {
		got, err := parseLocation(text)
		if err != nil || got != want {
			t.Errorf("%q is %+v (%v), want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "ab", "s3://", "/bucket", "-bucket", "bucket-", "buck et", "bücket", "bucket//a", "bucket/a//b",
		"bucket/../x", "bucket/.", "bucket/a\x00", "http://host/bucket", "arn:aws:s3:::bucket", strings.Repeat("b", 256),
	} {
		if got, err := parseLocation(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestCheckEndpoint(t *testing.T) {
	for _, text := range []string{
		"http://127.0.0.1:9000", "https://s3.example.com", "https://s3.example.com/", "http://[::1]:9000", "https://host/base/s3",
	} {
		if err := checkEndpoint(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"s3.example.com", "localhost:9000", "ftp://host", "http://", "http://:80", "http://host?x=1", "http://host#x", "http://ho st"} {
		if err := checkEndpoint(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for _, text := range []string{"https://key:hunter2@host", "https://hunter2@ho st", "key:hunter2@host"} {
		if err := checkEndpoint(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

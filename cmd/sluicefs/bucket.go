package main

import (
	"errors"
	"fmt"
	"strings"
)

// location is what of a store is mounted.
type location struct {
	bucket string
	prefix string // "" or ending in "/"
}

func (l location) String() string {
	return strings.TrimSuffix("s3://"+l.bucket+"/"+l.prefix, "/")
}

// parseLocation reads BUCKET[/PREFIX], with or without s3:// in front.
func parseLocation(text string) (location, error) {
	rest := strings.TrimPrefix(text, "s3://")
	if strings.Contains(rest, "://") {
		return location{}, errors.New("the bucket is given as BUCKET, BUCKET/PREFIX or s3://BUCKET/PREFIX; the store's address goes into --endpoint")
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if err := checkBucket(bucket); err != nil {
		return location{}, err
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		return location{bucket: bucket}, nil
	}
	for segment := range strings.SplitSeq(prefix, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.Contains(segment, "\x00") {
			return location{}, fmt.Errorf("prefix %q cannot be a directory: it has an empty part, \".\" or \"..\"", prefix)
		}
	}
	return location{bucket: bucket, prefix: prefix + "/"}, nil
}

// checkBucket refuses what no store takes for a bucket's name. It allows more
// than AWS does today: old buckets and other stores have capitals and "_".
func checkBucket(name string) error {
	bad := len(name) < 3 || len(name) > 255 || !isAlphanumeric(name[0]) || !isAlphanumeric(name[len(name)-1])
	for i := 0; !bad && i < len(name); i++ {
		c := name[i]
		bad = !isAlphanumeric(c) && c != '-' && c != '.' && c != '_'
	}
	if bad {
		return fmt.Errorf("%q is not a bucket name: 3 or more letters, digits, \"-\" and \".\", beginning and ending with a letter or digit", name)
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// readers is how many objects are read from the store at once.
const readers = 4

// compareStore reads everything over the S3 API, past the mount.
func (d *demo) compareStore(ctx context.Context) error {
	d.say("reading everything back over the S3 API")
	began := time.Now()
	keys, err := d.keys(ctx)
	if err != nil {
		return err
	}
	got := make(map[string]digest, len(keys))
	var mu sync.Mutex // guards got
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for _, key := range keys {
		if dir, marks := strings.CutSuffix(key, "/"); marks && d.want.dirs[dir] {
			continue // a folder that is there without files, too
		}
		g.Go(func() error {
			sum, err := d.digestObject(ctx, key)
			mu.Lock()
			defer mu.Unlock()
			got[key] = sum
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return d.compare("read over the S3 API", got, time.Since(began))
}

func (st *stage) digestObject(ctx context.Context, key string) (digest, error) {
	body, _, err := st.store.Get(ctx, key, objstore.GetOptions{})
	if err != nil {
		return digest{}, err
	}
	sum, _, err := digestOf(body)
	if err != nil {
		err = fmt.Errorf("read object %q: %w", key, err)
	}
	return sum, errors.Join(err, body.Close())
}

// keys returns all keys of the bucket.
func (st *stage) keys(ctx context.Context) ([]string, error) {
	var keys []string
	opts := objstore.ListOptions{}
	for {
		page, err := st.store.List(ctx, opts)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Objects {
			keys = append(keys, o.Key)
		}
		if opts.Token = page.Token; opts.Token == "" {
			return keys, nil
		}
	}
}

// compareMount reads everything through the mount, as a program does that knows
// only files.
func (d *demo) compareMount(ctx context.Context) error {
	d.say("$ cd %s; find . -type f -exec sha256sum {} +", d.mount.dir)
	began := time.Now()
	find := command(ctx, d.mount.env, "find", ".", "-type", "f", "-exec", "sha256sum", "{}", "+")
	find.Dir = d.mount.dir
	out, err := find.output()
	if err != nil {
		return err
	}
	took := time.Since(began)
	got, err := parseSums(out)
	if err != nil {
		return err
	}
	return d.compare("sha256sum in a new mount", got, took)
}

// parseSums reads what sha256sum prints of files below ".".
func parseSums(out string) (map[string]digest, error) {
	got := map[string]digest{}
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		sum, name, found := strings.Cut(lines.Text(), "  ./")
		raw, err := hex.DecodeString(sum)
		if !found || err != nil || len(raw) != len(digest{}) {
			return nil, fmt.Errorf("sha256sum says what is no sum of a file: %q", lines.Text())
		}
		got[name] = digest(raw)
	}
	return got, lines.Err()
}

// compare adds a row if everything is there that was written, and nothing else.
func (d *demo) compare(what string, got map[string]digest, took time.Duration) error {
	const shown = 10
	if lines := d.want.differences(got); len(lines) > 0 {
		return fmt.Errorf("%s: %d differences:\n%s", what, len(lines), strings.Join(lines[:min(shown, len(lines))], "\n"))
	}
	d.table.add(row{what: what, files: len(got), bytes: d.want.bytes, took: took, note: "every SHA-256 is the same"})
	return nil
}

// checkLeft wants nothing in the bucket but what was copied: reading must have
// added nothing, and no upload is unfinished.
func (d *demo) checkLeft(ctx context.Context) error {
	uploads, err := d.uploads(ctx, "")
	if err != nil {
		return err
	}
	for _, up := range uploads {
		err = errors.Join(err, fmt.Errorf("the upload of %q is unfinished", up.Key))
	}
	keys, listErr := d.keys(ctx)
	err = errors.Join(err, listErr)
	for _, key := range keys {
		_, file := d.want.files[key]
		if dir, marks := strings.CutSuffix(key, "/"); !file && !(marks && d.want.dirs[dir]) {
			err = errors.Join(err, fmt.Errorf("the object %q is left in the bucket", key))
		}
	}
	d.table.add(row{what: "left in the bucket", note: "no unfinished upload, no hidden object"})
	return err
}

package mem

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// List implements objstore.Store.
func (s *Store) List(ctx context.Context, opts objstore.ListOptions) (page objstore.ListPage, err error) {
	c := s.begin(objstore.OpList, opts.Prefix)
	defer func() { c.end(err) }()
	if err := c.alive(ctx); err != nil {
		return objstore.ListPage{}, err
	}
	after := opts.StartAfter
	if opts.Token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(opts.Token)
		if err != nil {
			return objstore.ListPage{}, c.fail(objstore.ErrInvalid, 400, "InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(raw)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pageLocked(opts.Prefix, opts.Delimiter, after, s.pageSize(opts.Max)), nil
}

// pageSize is how many entries a page may have when the caller asked for n.
func (s *Store) pageSize(n int) int {
	if n <= 0 || n > s.page {
		return s.page
	}
	return n
}

// pageLocked lists keys and prefixes above after, of which there may be limit.
// A page is truncated only if something is left for the next one.
func (s *Store) pageLocked(prefix, delimiter, after string, limit int) objstore.ListPage {
	var page objstore.ListPage
	last := "" // the key or prefix that was added last
	start := max(prefix, after)
	for rest := s.names.from(start); len(rest) > 0; {
		key := rest[0]
		if !strings.HasPrefix(key, prefix) {
			break
		}
		group := groupOf(key, prefix, delimiter)
		shown := key
		rest = rest[1:]
		if group != "" {
			shown = group
			rest = s.names.from(successor(group))
		}
		if after != "" && shown <= after {
			continue
		}
		if len(page.Objects)+len(page.Prefixes) == limit {
			page.Token = base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		last = shown
		if group != "" {
			page.Prefixes = append(page.Prefixes, group)
		} else {
			page.Objects = append(page.Objects, s.objects[key].listed(key))
		}
	}
	return page
}

// groupOf is the common prefix that a key is shown as, or "".
func groupOf(key, prefix, delimiter string) string {
	if delimiter == "" {
		return ""
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(prefix)+i+len(delimiter)]
}

// successor is the first string after all that begin with the prefix, which
// ends in the delimiter and so never in a byte of 0xff.
func successor(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string([]byte{prefix[last] + 1})
}

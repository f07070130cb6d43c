package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluicefs/sluicefs/internal/keypath"
	"github.com/sluicefs/sluicefs/internal/objstore"
)

const (
	// largeTTL is how long a directory counts as larger than a page without
	// being listed again.
	largeTTL = time.Minute
	// burst is the number of names that are asked for one by one, within
	// burstTime, before a page around the next one is listed: whoever looks at so
	// many will look at their neighbours. A program that really jumps about pays
	// one request in 17 more.
	burst     = 8
	burstTime = 10 * time.Second
)

// probes counts the names of a large directory that were asked for one by one.
// It is guarded by tree.mu.
type probes struct {
	n     int
	since time.Time
}

// dense counts one more, and tells when there were enough to list a page.
func (p *probes) dense(now time.Time) bool {
	if p.n == 0 || now.Sub(p.since) > burstTime {
		p.n, p.since = 0, now
	}
	p.n++
	if p.n <= burst {
		return false
	}
	p.n = 0
	return true
}

// learn asks the store what is needed to know a name.
func (c *Cache) learn(ctx context.Context, dir, name string, n need) (got answered, err error) {
	switch {
	case n.list:
		l, err := c.askPage(ctx, listFrom{dir: dir})
		return l.answer(), err
	case n.around:
		l, err := c.askPage(ctx, listFrom{dir: dir, start: after(before(name))})
		return l.answer(), err
	case c.cfg.ListOnly && n.head:
		return c.askNamed(ctx, dir, name)
	}
	group, ctx := errgroup.WithContext(ctx)
	if n.head {
		group.Go(func() (err error) {
			got.head, err = c.askHead(ctx, keypath.Join(dir, name))
			return err
		})
	}
	if n.probe {
		group.Go(func() (err error) {
			got.probe, err = c.askProbe(ctx, keypath.JoinDir(dir, name))
			return err
		})
	}
	err = group.Wait()
	return got, err
}

// before is a label in front of another one, near enough that a page which
// begins behind it is about the other one.
func before(label string) string {
	last := len(label) - 1
	if c := label[last]; c > ' '+1 && c < 0x7f && c-1 != '/' {
		return label[:last] + string([]byte{c - 1})
	}
	for last > 0 && label[last]&0xc0 == 0x80 { // do not cut a rune
		last--
	}
	return label[:last]
}

// listFrom is where a LIST of a directory begins: at its beginning, where a
// token tells, or at a label.
type listFrom struct {
	dir   string
	start string // the first label that is asked for
	token string // of the page before; it must be of use for start
}

// listed is a page that was asked for.
type listed struct {
	page  *page
	token string   // of the page after it
	list  *listing // all that is now known of the directory, among it the page
}

// answer is the page alone, as evidence. What else is known of the directory may
// be too old to count.
func (l listed) answer() answered {
	switch {
	case l.page == nil:
		return answered{}
	case l.page.start == "":
		return answered{list: &listing{dir: l.page.dir, pages: []*page{l.page}}}
	}
	return answered{list: &listing{dir: l.page.dir, ranges: []*page{l.page}}}
}

// askPage lists a page.
func (c *Cache) askPage(ctx context.Context, from listFrom) (listed, error) {
	what := fmt.Sprintf("list %q from %q %s", from.dir, from.start, from.token)
	return ask(ctx, c.asker, what, func(ctx context.Context) (listed, error) {
		opts := objstore.ListOptions{Prefix: from.dir, Delimiter: "/", Token: from.token, Max: objstore.MaxPage}
		if from.token == "" && from.start != "" {
			opts.StartAfter = from.dir + strings.TrimSuffix(from.start, "\x00")
		}
		m := c.tree.ask()
		page, err := c.store.List(ctx, opts)
		if err != nil {
			c.tree.told(m, answered{})
			return listed{}, fmt.Errorf("list directory %q: %w", from.dir, err)
		}
		p := newPage(m, from.dir, from.start, page, c.cfg.Hide)
		return listed{p, page.Token, c.tree.toldPage(p, page.Token)}, nil
	})
}

// askHead asks for an object.
func (c *Cache) askHead(ctx context.Context, key string) (*headed, error) {
	return ask(ctx, c.asker, headQuestion(key), c.headOf(key))
}

func headQuestion(key string) string { return "head " + key }

// headOf is the request about an object.
func (c *Cache) headOf(key string) func(context.Context) (*headed, error) {
	return func(ctx context.Context) (*headed, error) {
		if h := c.tree.newestHead(key); h != nil {
			return h, nil // it came between the caller's look for it and this request
		}
		m := c.tree.ask()
		info, err := c.store.Head(ctx, key)
		h := &headed{mark: m, info: info}
		switch {
		case errors.Is(err, objstore.ErrNotFound):
			h.gone, h.info = true, objstore.Info{}
		case err != nil:
			c.tree.told(m, answered{})
			return nil, fmt.Errorf("look at %q: %w", key, err)
		}
		h.info.Key = key
		h.settled = !h.gone && settledAt(m.sent, c.cfg.Now(), &h.info)
		c.tree.told(m, answered{head: h})
		return h, nil
	}
}

// askProbe asks whether there is anything in a directory.
func (c *Cache) askProbe(ctx context.Context, dir string) (*probed, error) {
	return ask(ctx, c.asker, "probe "+dir, func(ctx context.Context) (*probed, error) {
		m := c.tree.ask()
		page, err := c.store.List(ctx, objstore.ListOptions{Prefix: dir, Max: 1})
		if err != nil {
			c.tree.told(m, answered{})
			return nil, fmt.Errorf("look into %q: %w", dir, err)
		}
		p := &probed{mark: m, dir: dir, inside: true, exists: len(page.Objects) > 0}
		if p.exists && page.Objects[0].Key == dir {
			p.marker = &page.Objects[0]
		}
		c.tree.told(m, answered{probe: p})
		return p, nil
	})
}

// namedPage is how many keys are listed to find a file and a directory of one
// name: those that come between, "name-1" or "name.txt", are few as a rule.
const namedPage = 16

// askNamed finds both the file and the directory of a name by one LIST, if
// few keys stand between them, and the directory by another if not.
func (c *Cache) askNamed(ctx context.Context, dir, name string) (answered, error) {
	key := keypath.Join(dir, name)
	got, err := ask(ctx, c.asker, "list named "+key, func(ctx context.Context) (answered, error) {
		m := c.tree.ask()
		page, err := c.store.List(ctx, objstore.ListOptions{Prefix: key, Delimiter: "/", Max: namedPage})
		if err != nil {
			c.tree.told(m, answered{})
			return answered{}, fmt.Errorf("list names like %q: %w", key, err)
		}
		got := namedAnswer(m, key, page)
		c.tree.told(m, got)
		return got, nil
	})
	if err == nil && got.probe == nil {
		got.probe, err = c.askProbe(ctx, key+"/")
	}
	return got, err
}

// namedAnswer is what a page that begins with a key tells of it, and of the
// directory of its name if the page reaches as far.
func namedAnswer(m mark, key string, page objstore.ListPage) answered {
	h := &headed{mark: m, gone: true, info: objstore.Info{Key: key}}
	if len(page.Objects) > 0 && page.Objects[0].Key == key {
		h.gone, h.info = false, page.Objects[0]
	}
	got := answered{head: h}
	reach := page.Token == ""
	p := &probed{mark: m, dir: key + "/"}
	for _, o := range page.Objects {
		reach = reach || o.Key > p.dir
	}
	for _, prefix := range page.Prefixes {
		reach = reach || prefix >= p.dir
		p.exists = p.exists || prefix == p.dir
	}
	if reach {
		got.probe = p
	}
	return got
}

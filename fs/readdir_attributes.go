package fs

import (
	"context"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// reply is one answer to READDIR or READDIRPLUS. go-fuse has a context for each.
type reply struct {
	request context.Context // which tells replies apart
	first   bool            // it begins with the first entry
	decided bool            // window is set
	window  int             // entries that are asked for ahead of it; 0: it has bare names

	wait   context.Context    // ends when it has to be sent
	cancel context.CancelFunc // called by the next reply; that of the last one ends by its time
}

// replyTime bounds how long a reply waits for metadata: whoever changes something in
// the directory waits as long. What is not known by then is given as a bare name.
const replyTime = 500 * time.Millisecond

// replying notes for which reply an entry is asked for.
func (h *dirHandle) replying(ctx context.Context) {
	if h.reply.request == ctx {
		return
	}
	if h.reply.cancel != nil {
		h.reply.cancel()
	}
	h.reply = reply{request: ctx, first: h.place == 0}
}

// complete returns all of an object, for READDIRPLUS, if somebody is expected to look
// at it. Otherwise it would cost a request for nothing: find, for one, wants to know
// no more than names. Programs that look at entry after entry get those of the next
// reply together, and without a LOOKUP for each. The last entry of a directory is left
// to be looked up, which tells that the directory was walked to its end.
func (h *dirHandle) complete(ctx context.Context, info objstore.Info) (full objstore.Info, known bool) {
	f := h.dir.fsys
	h.replying(ctx)
	h.decide()
	if h.reply.window == 0 {
		return info, info.Full
	}
	if rest, last := h.reader.Upcoming("", 1); last && len(rest) == 0 {
		return info, false
	}
	h.askAhead(info.Key)
	if !info.Full {
		var err error
		if info, err = f.cfg.Cache.Stat(h.reply.wait, info.Key); err != nil {
			return info, false
		}
	}
	f.ahead.tell(h.dir, h.last.Name)
	return info, true
}

// decide finds out what is expected of who reads the reply.
func (h *dirHandle) decide() {
	r, f := &h.reply, h.dir.fsys
	if r.decided {
		return
	}
	r.decided = true
	if f.cfg.AttrTTL <= 0 || h.dir.bareLookups() {
		return
	}
	if r.window = f.ahead.wanted(h.dir, r.first); r.window > 0 {
		r.wait, r.cancel = context.WithTimeout(f.ctx, min(replyTime, f.cfg.AttrTTL/2))
	}
}

// age takes from the time for which the kernel may believe an entry that for which
// the reply may yet wait: the kernel counts from when it gets it.
func (r *reply) age(out *fuse.EntryOut) {
	if r.window == 0 {
		return
	}
	end, _ := r.wait.Deadline()
	left := max(0, time.Until(end))
	out.SetEntryTimeout(max(0, out.EntryTimeout()-left))
	out.SetAttrTimeout(max(0, out.AttrTimeout()-left))
}

// askAhead asks for an object and those that follow it, once half of those that were
// asked for before were given.
func (h *dirHandle) askAhead(key string) {
	f, name := h.dir.fsys, h.last.Name
	if name < h.refill {
		return
	}
	names, _ := h.reader.Upcoming(max(h.asked, name), h.reply.window)
	var keys []string
	if name > h.asked {
		keys = append(keys, key)
	}
	prefix := key[:len(key)-len(name)]
	for _, n := range names {
		keys = append(keys, prefix+n)
	}
	if len(names) > 0 {
		h.refill, h.asked = names[len(names)/2], names[len(names)-1]
	}
	if len(keys) > 1 {
		f.background.Go(func() { f.cfg.Cache.StatAhead(f.ctx, keys) })
	}
}

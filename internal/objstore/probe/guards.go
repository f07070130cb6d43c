package probe

import (
	"errors"
	"fmt"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// manner is what a store does with a guard.
type manner string

const (
	keeps   manner = "keeps"
	ignores manner = "ignores"
	refuses manner = "refuses"
)

// guards asks what becomes of the second of two writers.
func (b *bench) guards() {
	found := map[objstore.Guard]manner{}
	for _, g := range b.guardsToTry() {
		found[g] = b.second(g)
	}
	b.tellGuard("exclusive put", "no-clobber-put", b.profile.NoClobberPut, found)
	b.ifMatch()
}

// guardsToTry are those that a store may know.
func (b *bench) guardsToTry() []objstore.Guard {
	if b.profile.ForbidOverwrite == "" {
		return []objstore.Guard{objstore.GuardIfNoneMatch}
	}
	return []objstore.Guard{objstore.GuardIfNoneMatch, objstore.GuardHeader}
}

// second puts an object twice under a guard that only the first can pass.
func (b *bench) second(g objstore.Guard) manner {
	t, err := b.as(func(p *objstore.Profile) { p.NoClobberPut = g })
	if err != nil {
		return refuses
	}
	key := b.key("exclusive-" + string(g))
	first, second := []byte("first"), []byte("second")
	opts := objstore.PutOptions{Condition: objstore.Condition{Absent: true}}
	if _, err := b.put(t, key, first, opts); err != nil {
		return refuses
	}
	_, err = b.put(t, key, second, opts)
	same, herr := b.holds(key, first)
	switch {
	case errors.Is(err, objstore.ErrPrecondition) || errors.Is(err, objstore.ErrConflict):
		if herr == nil && same {
			return keeps
		}
		return ignores
	case err != nil:
		return refuses
	}
	return ignores
}

// tellGuard holds what a store does against what the profile relies on.
func (b *bench) tellGuard(name, option string, uses objstore.Guard, found map[objstore.Guard]manner) {
	best := objstore.GuardHeadFirst
	for _, g := range []objstore.Guard{objstore.GuardHeader, objstore.GuardIfNoneMatch} {
		if found[g] == keeps {
			best = g
		}
	}
	detail := ""
	for _, g := range []objstore.Guard{objstore.GuardIfNoneMatch, objstore.GuardHeader} {
		if m := found[g]; m != "" {
			detail += fmt.Sprintf("%s %s; ", m, g)
		}
	}
	detail = "the store " + detail[:len(detail)-2]
	switch {
	case uses == best || found[uses] == keeps:
		b.tell(Check{Name: name, Verdict: Good, Detail: detail})
		if best == objstore.GuardHeadFirst {
			b.advise("two machines that make one file with O_EXCL at the same moment may both succeed: do not rely on lock files between machines")
		}
	case uses.Kept():
		b.differs(name, Unsafe, "a second writer replaced what the first had made: "+detail, option, string(best))
	case best.Kept():
		b.differs(name, Better, detail+", so that two machines cannot both make a file", option, string(best))
	default:
		b.tell(Check{Name: name, Verdict: Good, Detail: detail})
		b.advise("two machines that make one file with O_EXCL at the same moment may both succeed: do not rely on lock files between machines")
	}
}

// ifMatch replaces an object under the ETag of another one.
func (b *bench) ifMatch() {
	t, err := b.as(func(p *objstore.Profile) { p.IfMatchPut = true })
	if err != nil {
		return
	}
	key := b.key("if-match")
	old := []byte("old")
	info, err := b.put(b.target, key, old, objstore.PutOptions{})
	if err != nil {
		b.tell(Check{Name: "conditional put", Verdict: Unknown, Detail: err.Error()})
		return
	}
	found := refuses
	if _, err := b.put(t, key, old, objstore.PutOptions{Condition: objstore.Condition{ETag: info.ETag}}); err == nil {
		found = ignores
		_, err := b.put(t, key, []byte("new"), objstore.PutOptions{Condition: objstore.Condition{ETag: "0123456789abcdef0123456789abcdef"}})
		if same, herr := b.holds(key, old); errors.Is(err, objstore.ErrPrecondition) && herr == nil && same {
			found = keeps
		}
	}
	detail := fmt.Sprintf("the store %s If-Match", found)
	switch {
	case (found == keeps) == b.profile.IfMatchPut:
		b.tell(Check{Name: "conditional put", Verdict: Good, Detail: detail})
	case b.profile.IfMatchPut:
		b.differs("conditional put", Unsafe, "what another writer made was replaced: "+detail, "if-match-put", "off")
	default:
		b.differs("conditional put", Better, detail, "if-match-put", "on")
	}
}

package fs

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// watching looks after the operations that wait, in one goroutine, which is there
// while some do. One for each of them would wake a thread for every read.
type watching struct {
	fsys      *FileSystem
	abandoned func() bool // FileSystem.abandoned

	mu    sync.Mutex
	waits map[*wait]struct{}
	runs  bool
}

func (g *watching) init(f *FileSystem, abandoned func() bool) {
	g.fsys, g.abandoned = f, abandoned
	g.waits = map[*wait]struct{}{}
}

// add begins to look after a wait.
func (g *watching) add(w *wait) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waits[w] = struct{}{}
	if !g.runs {
		g.runs = true
		g.fsys.background.Go(g.run)
	}
}

func (g *watching) remove(w *wait) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waits, w)
}

const (
	// dyingPoll is how often callers are looked at that got a signal. The kernel
	// tells of the first one only.
	dyingPoll = 100 * time.Millisecond
	// watchIdle is how many times there may be nobody to look at before the goroutine ends.
	watchIdle = 10
)

// run ends the waits of those who are being killed, and all when the mount ends or is
// abandoned: what the kernel reads ahead it does not wait for, nor does anybody else then.
func (g *watching) run() {
	tick := time.NewTicker(dyingPoll)
	defer tick.Stop()
	for idle := 0; ; {
		over := false
		select {
		case <-g.fsys.ctx.Done():
			over = true
		case <-tick.C:
		}
		waits := g.all()
		g.look(waits, over)
		if idle++; len(waits) > 0 {
			idle = 0
		}
		if (over || idle >= watchIdle) && g.rest() {
			return
		}
	}
}

// look ends the waits that are to end. Each caller is asked about on its own, as an
// answer may take a while (processes.within).
func (g *watching) look(waits []*wait, over bool) {
	var asking sync.WaitGroup
	abandoned := sync.OnceValue(g.abandoned)
	for _, w := range waits {
		if !over && !w.interrupted() {
			continue
		}
		asking.Go(func() {
			if over || g.fsys.procs.dying(w.caller.Pid) || abandoned() {
				w.giveUp()
				g.remove(w)
			}
		})
	}
	asking.Wait()
}

// all returns those who wait.
func (g *watching) all() []*wait {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.waits))
}

// rest reports that nobody waits, and that add has to start run anew.
func (g *watching) rest() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runs = len(g.waits) > 0
	return !g.runs
}

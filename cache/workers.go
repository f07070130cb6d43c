package cache

import "time"

// workers send requests in goroutines that have sent others before: the calls of an
// SDK are deep, and growing a stack for each takes a fifth of its time.
type workers struct {
	life *lifetime
	work chan func() // taken by those that have nothing to do
}

func newWorkers(life *lifetime) *workers {
	return &workers{life: life, work: make(chan func())}
}

// start runs fn in a goroutine that has nothing to do, or in a new one. The caller
// is counted in lifetime, or fn is, so that Close is still waiting.
func (w *workers) start(fn func()) {
	select {
	case w.work <- fn:
	default:
		w.life.running.Add(1)
		go w.run(fn)
	}
}

// workerIdle is how long a goroutine waits for another request to send.
const workerIdle = time.Second

func (w *workers) run(fn func()) {
	defer w.life.leave()
	timer := time.NewTimer(workerIdle)
	defer timer.Stop()
	for {
		fn()
		timer.Reset(workerIdle)
		select {
		case fn = <-w.work:
		case <-timer.C:
			return
		case <-w.life.over:
			return
		}
	}
}

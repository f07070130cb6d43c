package retry

import (
	"sync/atomic"
	"time"
)

const (
	// slowShare is how many times as slow as the others a body has to be for another
	// connection to be tried.
	slowShare = 32
	// A body tells a rate if so much of it came, in bytes, in so much time of waiting:
	// what was there before it was waited for looks faster than the line is.
	tellingBytes, tellingTime = 1 << 20, 10 * time.Millisecond
)

// pace is what the bodies of a store bring, by which one is known that does not
// keep up: its connection is stuck, and another may not be. Where all are slow, the
// line is, and asking again would only cost. The zero value knows nothing.
type pace struct {
	typical atomic.Int64 // bytes a second of one body, of late; 0 while nothing is known
	heard   atomic.Int64 // when any body brought something, as UnixNano
}

func (p *pace) hear(now time.Time) { p.heard.Store(now.UnixNano()) }

func (p *pace) heardSince(then int64) bool { return p.heard.Load() > then }

// told takes in what a body brought in so much time of waiting for it.
func (p *pace) told(bytes int64, waited time.Duration) {
	if waited < tellingTime || bytes < tellingBytes && waited < time.Second {
		return
	}
	rate := rateOf(bytes, waited)
	if before := p.typical.Load(); before > 0 {
		rate = before + (rate-before)/4
	}
	p.typical.Store(max(1, rate)) // one of two updates at once may be lost
}

// lags reports that a body is far behind what is typical.
func (p *pace) lags(bytes int64, waited time.Duration) bool {
	return rateOf(bytes, waited) < p.typical.Load()/slowShare
}

func rateOf(bytes int64, d time.Duration) int64 { return int64(float64(bytes) / d.Seconds()) }

// watch ends a body that gives nothing: after Config.Attempt, or after
// Config.Silence if others gave something meanwhile. It is idle but during a Read.
type watch struct {
	s     *Store
	cut   func()
	since atomic.Int64 // when the Read began, as UnixNano; 0 when there is none
	timer *time.Timer
}

func newWatch(s *Store, cut func()) *watch {
	w := &watch{s: s, cut: cut}
	w.timer = time.AfterFunc(time.Hour, w.check)
	return w
}

func (w *watch) begin(now time.Time) {
	w.since.Store(now.UnixNano())
	w.timer.Reset(w.step())
}

func (w *watch) end() {
	w.since.Store(0)
	w.timer.Stop()
}

func (w *watch) step() time.Duration { return min(w.s.cfg.Silence, w.s.cfg.Attempt) }

// check may come late, when the Read has ended or another has begun.
func (w *watch) check() {
	since := w.since.Load()
	if since == 0 {
		return
	}
	silent := time.Since(time.Unix(0, since))
	if silent >= w.s.cfg.Attempt || silent >= w.s.cfg.Silence && w.s.pace.heardSince(since) {
		w.cut()
		return
	}
	w.timer.Reset(min(w.step(), w.s.cfg.Attempt-silent))
}

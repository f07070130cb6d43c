package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"time"
)

const (
	streamName = "stream" // the file in the mount, and the object's key

	block = 1 << 20 // 1 MiB: what is put into the pipe at once

	// lookEvery is how often the store is asked what it has.
	lookEvery = 250 * time.Millisecond

	// progressLines is about how often it is said.
	progressLines = 16

	// arriveTime is how long the parts may take to arrive once all but the last
	// block is written. The kernel itself sends pages on after half a minute.
	arriveTime = time.Minute
)

// streamPipe sends bytes through a pipe to a program that writes them to a file
// and does not know how many will come. The last block is held back until at
// least half of them are at the store as parts: so they left while the file was
// being written.
func (d *demo) streamPipe(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	path := filepath.Join(d.mount.dir, streamName)
	d.say("$ some-program | cat > %s    # %s", path, inMiB(d.stream))
	began := time.Now()
	cat := command(ctx, d.mount.env, "sh", "-c", `exec cat > "$1"`, "sh", path)
	pipe, err := cat.StdinPipe()
	if err == nil {
		err = cat.Start()
	}
	if err != nil {
		return cat.explain(err)
	}
	src := newSource(pipe, d.stream)
	go src.run()
	seen, err := d.watch(ctx, src)
	if err != nil {
		cancel() // ends cat, and with it the source
	}
	close(src.last)
	ended := cat.Wait()
	<-src.done // the pipe has no reader any more, or has been closed
	switch {
	case err != nil:
		return errors.Join(err, d.complaint(cat))
	case ended != nil:
		return cat.explain(ended)
	case src.err != nil:
		return fmt.Errorf("write into the pipe: %w", src.err)
	}
	d.table.add(row{
		what: "cat > " + streamName + ", from a pipe", files: 1, bytes: d.stream, took: time.Since(began),
		note: fmt.Sprintf("%d parts had arrived before the file was closed", seen.parts),
	})
	d.want.files[streamName] = src.sum
	d.want.bytes += d.stream
	return nil
}

// complaint is what cat said when the stream failed, nil if it said nothing.
func (d *demo) complaint(cat *program) error {
	if said := cat.complaints.String(); said != "" {
		return brief(errors.New(said))
	}
	return nil
}

// watch prints which parts of the stream have arrived, until all but the last
// block is written and half of it is at the store.
func (d *demo) watch(ctx context.Context, src *source) (arrived, error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var late <-chan time.Time
	held := src.held
	var seen arrived
	for {
		select {
		case <-ctx.Done():
			return seen, context.Cause(ctx)
		case <-src.done:
			return seen, fmt.Errorf("the writer of %s ended early (%w)", streamName, src.err)
		case <-late:
			return seen, fmt.Errorf("only %d parts (%s) of %s have arrived %s after all but its end was written",
				seen.parts, inMiB(seen.bytes), streamName, arriveTime)
		case <-held:
			held, late = nil, time.After(arriveTime)
		case <-look.C:
		}
		now, err := d.arrived(ctx, streamName)
		if err != nil {
			return seen, err
		}
		enough := held == nil && now.bytes >= d.stream/2
		if enough && now != seen || now.bytes-seen.bytes >= d.stream/progressLines {
			seen = now
			d.say("  %3d parts (%s) at the store, writer still open", seen.parts, inMiB(seen.bytes))
		}
		if enough {
			return seen, d.checkUnseen(ctx, streamName)
		}
	}
}

// source puts bytes that nothing can compress into a pipe.
type source struct {
	pipe io.WriteCloser
	size int64

	held chan struct{} // closed by run when all but the last block is written
	last chan struct{} // closed by the owner: the last block may follow
	done chan struct{} // closed by run at its end; what is below is read after that
	sum  digest
	err  error
}

func newSource(pipe io.WriteCloser, size int64) *source {
	return &source{pipe: pipe, size: size, held: make(chan struct{}), last: make(chan struct{}), done: make(chan struct{})}
}

// run writes everything and closes the pipe. It ends also when the reader of the
// pipe does.
func (s *source) run() {
	defer close(s.done)
	s.err = s.write()
	s.err = errors.Join(s.err, s.pipe.Close())
}

func (s *source) write() error {
	random := rand.NewChaCha8([32]byte{})
	sum := sha256.New()
	buf := make([]byte, block)
	for left := s.size; left > 0; {
		p := buf[:min(left, block)]
		_, _ = random.Read(p) // never fails
		sum.Write(p)
		if left -= int64(len(p)); left == 0 {
			close(s.held)
			<-s.last
		}
		if _, err := s.pipe.Write(p); err != nil {
			return err
		}
	}
	s.sum = digest(sum.Sum(nil))
	return nil
}

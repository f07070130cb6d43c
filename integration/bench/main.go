package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// config is what is measured.
type config struct {
	program string // sluicefs
	before  string // an older sluicefs to compare with, "" without
	systems []string
	works   []string
	size    int64 // bytes of the large files
	runs    int
	latency time.Duration // of the store's answers
	memory  string        // --memory of sluicefs, "" for its default
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == nullCommand {
		os.Exit(report(serveNull(os.Args[2])))
	}
	cfg := config{}
	systems := flag.String("fs", "", "file systems to measure (default: all that are installed)")
	works := flag.String("work", strings.Join(workNames(), ","), "works to measure")
	mib := flag.Int64("size", 512, "size of the large files, in MiB")
	flag.StringVar(&cfg.program, "sluicefs", ".bin/sluicefs", "the `program` to measure")
	flag.StringVar(&cfg.before, "before", "", "an older sluicefs to measure in the same run")
	flag.IntVar(&cfg.runs, "runs", 5, "runs of each; medians are printed")
	flag.DurationVar(&cfg.latency, "latency", 0, "time until the store answers a request")
	flag.StringVar(&cfg.memory, "memory", "", "what sluicefs is given as --memory")
	flag.Parse()
	cfg.size = *mib << 20
	cfg.works = strings.Split(*works, ",")
	cfg.systems = installed()
	if cfg.before != "" {
		cfg.systems = append(cfg.systems, before)
	}
	if *systems != "" {
		cfg.systems = strings.Split(*systems, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(report(run(ctx, cfg)))
}

func report(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	return 1
}

// run measures and prints, one work after the other.
func run(ctx context.Context, cfg config) error {
	var err error
	for _, path := range []*string{&cfg.program, &cfg.before} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if err := cfg.check(); err != nil {
		return err
	}
	fmt.Printf("%d runs each, files of %d MiB, latency %v; medians\n", cfg.runs, cfg.size>>20, cfg.latency)
	for _, name := range cfg.works {
		t := table{work: name, size: works[name].bytes(cfg.size), files: works[name].files, runs: map[string][]measurement{}}
		for _, system := range cfg.systems {
			if works[name].suits(system) {
				t.order = append(t.order, system)
			}
		}
		for range cfg.runs {
			for _, i := range rand.Perm(len(t.order)) {
				system := t.order[i]
				m, err := measure(ctx, cfg, system, works[name])
				if err != nil {
					return fmt.Errorf("%s on %s: %w", name, system, err)
				}
				t.add(system, m)
			}
		}
		t.print(os.Stdout)
	}
	return nil
}

func (cfg *config) check() error {
	for _, name := range cfg.works {
		if _, ok := works[name]; !ok {
			return fmt.Errorf("there is no work %q: %s", name, strings.Join(workNames(), ", "))
		}
	}
	for _, name := range cfg.systems {
		if _, ok := systems[name]; !ok {
			return fmt.Errorf("there is no file system %q", name)
		}
	}
	if cfg.runs < 1 || cfg.size < 8<<20 {
		return fmt.Errorf("at least one run, and 8 MiB")
	}
	return nil
}

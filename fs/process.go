package fs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processes asks the kernel about the processes that use the mount. What cannot
// be found out, such as anything about a process of another pid namespace (whose
// pid we see as 0), is answered with no.
//
// A process that replaces its program (execve) closes descriptors on the way,
// with a lock held that reading most of its files in /proc takes, too: stat, wchan,
// the links in fd. Its FLUSH would wait for our answer, and we for its lock. So
// only files that do not take it are read of a process that is not known to be
// exiting (status, comm, the names in fd, fdinfo), and as kernels differ, nobody waits
// long for any of them.
type processes struct {
	root string // "/proc"

	shareMemory func(a, b uint32) bool // asks the kernel
	slots       chan struct{}          // cap maxProbes
	wg          *sync.WaitGroup        // of probes that nobody waits for any more
}

const (
	maxProbes = 16               // questions under way at once; beyond it the answer is no
	probeTime = 3 * time.Second  // for questions of a process that may hold locks; a machine with ten times more to do than it can has taken 200 ms
	exitTime  = 10 * time.Second // of one that is exiting: a loaded machine must not turn a killed writer into a living one
)

func newProcesses(wg *sync.WaitGroup) processes {
	return processes{root: "/proc", shareMemory: shareMemory, slots: make(chan struct{}, maxProbes), wg: wg}
}

// within returns the answer of fn, or no if it does not come in time.
func (p processes) within(limit time.Duration, fn func() bool) bool {
	select {
	case p.slots <- struct{}{}:
	default:
		return false
	}
	answer := make(chan bool, 1)
	p.wg.Go(func() {
		answer <- fn()
		<-p.slots
	})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case yes := <-answer:
		return yes
	case <-timer.C:
		return false
	}
}

// killed reports that the thread's process is being ended by a signal. It is
// meant for a FLUSH, which the kernel also sends for a process that is exiting.
//
// A task that is exiting has given up its memory before it closes its files,
// which its status shows. Why it exits is told by its leader's exit_code: the low
// seven bits are the signal, 0 after exit(2) whatever the status. PF_SIGNALED
// would not do: it is also set when one thread's exit_group ends the others.
func (p processes) killed(tid uint32) bool {
	if tid == 0 {
		return false
	}
	leader := uint32(0)
	exiting := p.within(probeTime, func() bool {
		status := p.status(tid)
		tgid, err := strconv.ParseUint(status["Tgid"], 10, 32)
		_, memory := status["VmSize"]
		leader = uint32(tgid)
		return err == nil && !memory
	})
	return exiting && p.within(exitTime, func() bool {
		s, ok := p.stat(leader)
		return ok && s.flags&flagExiting != 0 && s.exitCode&0x7f != 0
	})
}

// dying reports that a signal that cannot be caught waits for the thread. The
// kernel turns every signal whose default ends the process into SIGKILL for all
// its threads.
func (p processes) dying(tid uint32) bool {
	const sigkill = 1 << (syscall.SIGKILL - 1)
	return tid != 0 && p.within(probeTime, func() bool {
		status := p.status(tid)
		for _, name := range []string{"SigPnd", "ShdPnd"} {
			v, err := strconv.ParseUint(status[name], 16, 64)
			if err == nil && v&sigkill != 0 {
				return true
			}
		}
		return false
	})
}

// same reports that two threads are of one process.
func (p processes) same(a, b uint32) bool {
	if a == b {
		return a != 0
	}
	return a != 0 && b != 0 && p.within(probeTime, func() bool {
		leader := p.status(a)["Tgid"]
		return leader != "" && leader == p.status(b)["Tgid"]
	})
}

// starting reports that the thread's process is about to become another program, and
// is not the one of opener, which lives: that one is starting a program, and its
// own descriptor stays open.
//
// Two things show it. In execve, what was open close-on-exec is closed when the old
// program is gone from memory and the new one is not there yet: no code is mapped.
// And who runs in the memory of another process (vfork) can do nothing else but get
// ready for execve. A child of fork that closes by itself, having a copy of the
// memory, may be anything.
func (p processes) starting(tid, opener uint32) bool {
	if tid == 0 || opener == 0 || tid == opener { // the usual one, who writes the file, is not worth a look
		return false
	}
	return p.within(probeTime, func() bool {
		child, parent := p.status(tid), p.status(opener)
		if child["Tgid"] == "" || parent["Tgid"] == "" || child["Tgid"] == parent["Tgid"] || child["VmSize"] == "" {
			return false
		}
		if child["VmExe"] == "0 kB" && child["VmLib"] == "0 kB" {
			return true
		}
		return p.shareMemory(tid, opener)
	})
}

// shareMemory asks the kernel whether two threads have one memory. Where it does not
// say, the answer is no.
func shareMemory(a, b uint32) bool {
	const kcmpVM = 1 // KCMP_VM of include/uapi/linux/kcmp.h
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(a), uintptr(b), kcmpVM, 0, 0, 0)
	return errno == 0 && order == 0
}

// runs reports that the thread runs a program of that name.
func (p processes) runs(tid uint32, program string) bool {
	return tid != 0 && p.within(probeTime, func() bool {
		name, err := os.ReadFile(fmt.Sprintf("%s/%d/comm", p.root, tid))
		return err == nil && string(name) == program+"\n"
	})
}

// maxDescriptors bounds the search of lastDescriptor: programs with more open
// files than this are not among those that make empty files.
const maxDescriptors = 256

// lastDescriptor reports that no descriptor of the thread's process refers to a
// file of that inode number. The one that is being closed is not in the table any
// more. Kernels before 5.14 do not tell the number: the answer is no.
func (p processes) lastDescriptor(tid uint32, ino uint64) bool {
	return tid != 0 && p.within(probeTime, func() bool {
		path := fmt.Sprintf("%s/%d/fdinfo", p.root, tid)
		dir, err := os.Open(path)
		if err != nil {
			return false
		}
		defer dir.Close()
		fds, err := dir.Readdirnames(maxDescriptors + 1)
		if (err != nil && len(fds) > 0) || len(fds) > maxDescriptors {
			return false
		}
		for _, fd := range fds {
			number, known := lines(path + "/" + fd)["ino"]
			if !known || number == strconv.FormatUint(ino, 10) {
				return false
			}
		}
		return true
	})
}

const flagExiting = 0x4 // PF_EXITING of include/linux/sched.h

type processStat struct {
	flags    uint64
	exitCode int64
}

// stat reads the fields of /proc/PID/stat that tell about an end. See proc(5).
func (p processes) stat(pid uint32) (s processStat, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("%s/%d/stat", p.root, pid))
	if err != nil {
		return s, false
	}
	// Field 2 is the name of the program in parentheses, and may hold anything.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	const first, flags, exitCode = 3, 9, 52 // numbers of fields: fields[0] is the third
	if len(fields) <= exitCode-first {
		return s, false
	}
	s.flags, err = strconv.ParseUint(fields[flags-first], 10, 64)
	if err != nil {
		return s, false
	}
	s.exitCode, err = strconv.ParseInt(fields[exitCode-first], 10, 64)
	return s, err == nil
}

func (p processes) status(pid uint32) map[string]string {
	return lines(fmt.Sprintf("%s/%d/status", p.root, pid))
}

// lines reads a file of lines like "Name:	value".
func lines(path string) map[string]string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			out[name] = strings.TrimSpace(value)
		}
	}
	return out
}

package fs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// processes asks the kernel about the processes that use the mount. What cannot
// be found out, such as anything about a process of another pid namespace (whose
// pid we see as 0), is answered with no.
type processes struct {
	root string // "/proc"
}

// killed reports that the thread's process is being ended by a signal. It is
// meant for a FLUSH, which the kernel also sends for a process that is exiting.
//
// The process is exiting when its leader or the thread has PF_EXITING. Why is
// told by the leader's exit_code: the low seven bits are the signal, 0 after
// exit(2) whatever the status. PF_SIGNALED would not do: it is also set when one
// thread's exit_group ends the others.
func (p processes) killed(tid uint32) bool {
	if tid == 0 {
		return false
	}
	thread, ok := p.stat(tid)
	if !ok || thread.flags&flagExiting == 0 {
		return false
	}
	leader := thread
	if tgid := p.leader(tid); tgid != tid {
		if leader, ok = p.stat(tgid); !ok {
			return false
		}
	}
	return leader.exitCode&0x7f != 0
}

// dying reports that a signal that cannot be caught waits for the thread. The
// kernel turns every signal whose default ends the process into SIGKILL for all
// its threads.
func (p processes) dying(tid uint32) bool {
	if tid == 0 {
		return false
	}
	const sigkill = 1 << (syscall.SIGKILL - 1)
	for _, name := range []string{"SigPnd", "ShdPnd"} {
		v, err := strconv.ParseUint(p.status(tid, name), 16, 64)
		if err == nil && v&sigkill != 0 {
			return true
		}
	}
	return false
}

// maxDescriptors bounds the search of lastDescriptor: programs with more open
// files than this are not among those that make empty files.
const maxDescriptors = 256

// lastDescriptor reports that no other descriptor of the thread's process refers
// to a file of that name. The one that is being closed is not in the table any more.
func (p processes) lastDescriptor(tid uint32, name string) bool {
	if tid == 0 {
		return false
	}
	dir, err := os.Open(filepath.Join(p.root, strconv.Itoa(int(tid)), "fd"))
	if err != nil {
		return false
	}
	defer dir.Close()
	fds, err := dir.Readdirnames(maxDescriptors + 1)
	if (err != nil && len(fds) > 0) || len(fds) > maxDescriptors {
		return false
	}
	for _, fd := range fds {
		target, err := os.Readlink(filepath.Join(dir.Name(), fd))
		if err == nil && strings.HasSuffix(target, "/"+name) {
			return false
		}
	}
	return true
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

// leader returns the process that a thread belongs to.
func (p processes) leader(tid uint32) uint32 {
	v, err := strconv.ParseUint(p.status(tid, "Tgid"), 10, 32)
	if err != nil {
		return tid
	}
	return uint32(v)
}

// status returns one line of /proc/PID/status.
func (p processes) status(pid uint32, name string) string {
	b, err := os.ReadFile(fmt.Sprintf("%s/%d/status", p.root, pid))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

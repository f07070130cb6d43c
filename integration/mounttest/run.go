package mounttest

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

// Run runs a shell script with the mount as its working directory, and returns
// what it printed. The test fails if the script does.
//
// The shell changes into the mount by itself: a child of this process that does
// so before it has become another program can block the process that serves it.
func (m *Mount) Run(script string) string {
	m.t.Helper()
	out, err := m.Try(script)
	if err != nil {
		m.t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return out
}

// Try is Run for scripts that may fail.
func (m *Mount) Try(script string) (string, error) {
	cmd := m.Command(script)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimRight(out.String(), "\n"), err
}

// Command returns the shell that runs a script in the mount, not started yet.
func (m *Mount) Command(script string) *exec.Cmd {
	cmd := exec.Command("bash", "-c", `cd "$0" && eval "$1"`, m.Dir, script)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	return cmd
}

// logger writes the mount's log to the test's. The test fails if the FUSE library has
// something to say: it complains of what it did not expect, and users would read it.
func logger(t testing.TB) *logrus.Entry {
	l := logrus.New()
	l.SetOutput(testWriter{t})
	l.AddHook(complaints{t})
	if os.Getenv("SLUICEFS_TEST_DEBUG") != "" {
		l.SetLevel(logrus.DebugLevel)
	}
	return logrus.NewEntry(l)
}

// complaints are the lines of the FUSE library.
type complaints struct{ t testing.TB }

// Levels implements logrus.Hook.
func (complaints) Levels() []logrus.Level { return logrus.AllLevels[:logrus.WarnLevel+1] }

// Fire implements logrus.Hook.
func (c complaints) Fire(e *logrus.Entry) error {
	if e.Data["op"] == "fuse" {
		c.t.Errorf("the FUSE library: %s", e.Message)
	}
	return nil
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

var _ io.Writer = testWriter{}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicefs/sluicefs/uploader"
)

// verdict is what became of everything that was written into a mount. It is kept
// as JSON in the mount's record, and printed where files are missing.
type verdict struct {
	Mountpoint string     `json:"mountpoint"`
	Source     string     `json:"source"`
	Ended      time.Time  `json:"ended"`
	Stored     bool       `json:"stored"` // everything is
	Reason     string     `json:"reason,omitempty"`
	Files      []unstored `json:"files"`          // those that are not stored
	More       int        `json:"more,omitempty"` // and how many there are beside them
}

// unstored is a file whose last content did not get into the store.
type unstored struct {
	Key   string    `json:"key"`
	Time  time.Time `json:"time"` // at which it failed
	Error string    `json:"error"`
}

// unstoredOf is what the uploader could not store.
func unstoredOf(up *uploader.Uploader) (files []unstored, more int) {
	failures, more := up.Failures()
	for _, f := range failures {
		files = append(files, unstored{Key: f.Key, Time: f.Time.UTC(), Error: f.Err.Error()})
	}
	return files, more
}

// missing is how many files are not stored.
func (v verdict) missing() int { return len(v.Files) + v.More }

// err returns nil if everything is stored, else the error to exit with.
func (v verdict) err() error {
	if v.Stored {
		return nil
	}
	reason := v.Reason
	if reason == "" {
		switch {
		case len(v.Files) == 1 && v.More == 0:
			reason = fmt.Sprintf("%q is not stored: %s", v.Files[0].Key, v.Files[0].Error)
		case v.missing() == 1:
			reason = "a file is not stored"
		default:
			reason = fmt.Sprintf("%d files are not stored", v.missing())
		}
	}
	return &exitError{status: exitNotStored, err: errors.New(v.Mountpoint + " is unmounted, but " + reason)}
}

// print writes the list of files that are not stored, if there are any.
func (v verdict) print(w io.Writer) error {
	if len(v.Files) == 0 {
		return nil
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(v.Files); err != nil {
		return fmt.Errorf("print the files that are not stored: %w", err)
	}
	return nil
}

package probe

import "strings"

// Verdict is how an answer is to be taken.
type Verdict string

// The verdicts.
const (
	Good    Verdict = "ok"      // as a mount needs it
	Better  Verdict = "better"  // the store can do more than the profile uses
	Warning Verdict = "warning" // a mount works, with what the detail says
	Unsafe  Verdict = "unsafe"  // a mount could lose data, or break its promises
	Unknown Verdict = "unknown" // could not be found out
)

// Check is one question and its answer.
type Check struct {
	Name       string  `json:"name"`
	Verdict    Verdict `json:"verdict"`
	Detail     string  `json:"detail,omitempty"`
	Permission string  `json:"permission,omitempty"` // that is missing, in the words of AWS
	Option     string  `json:"option,omitempty"`     // NAME=VALUE, that makes the profile right
}

// Report is everything that was found out.
type Report struct {
	Provider string   `json:"provider"` // the profile that was probed with
	Safe     bool     `json:"safe"`     // to mount with the profile as it is
	Checks   []Check  `json:"checks"`
	Options  []string `json:"options"` // corrections of the profile
	Advice   []string `json:"advice,omitempty"`
	Missing  []string `json:"missing_permissions,omitempty"`
	Left     []string `json:"left,omitempty"` // keys that could not be removed
}

// finish draws the conclusions.
func (r *Report) finish() {
	r.Safe = len(r.Checks) > 0
	seen := map[string]bool{}
	for _, c := range r.Checks {
		if c.Verdict == Unsafe {
			r.Safe = false
		}
		name, _, _ := strings.Cut(c.Option, "=")
		if c.Option != "" && !seen[name] {
			r.Options = append(r.Options, c.Option)
			seen[name] = true
		}
		if c.Permission != "" && !seen["permission "+c.Permission] {
			r.Missing = append(r.Missing, c.Permission)
			seen["permission "+c.Permission] = true
		}
	}
}

// Find returns a check by its name.
func (r *Report) Find(name string) (c Check, ok bool) {
	for _, c := range r.Checks {
		if c.Name == name {
			return c, true
		}
	}
	return Check{}, false
}

package objstore

import "fmt"

// Limit is a rule of a store that a request would break. It is found before
// anything is sent, and says whose rule it is.
type Limit struct {
	Store string // Profile.Name
	Rule  string // "keys of at most 850 bytes"
	Got   string // "a key of 900 bytes"
	Kind  error  // one of the Err… of this package
}

// Error says the rule in one line.
func (l *Limit) Error() string {
	return fmt.Sprintf("%s: %s, but a store of kind %s takes only %s", l.Kind, l.Got, l.Store, l.Rule)
}

// Unwrap gives errors.Is the kind.
func (l *Limit) Unwrap() error { return l.Kind }

func (p *Profile) limit(kind error, got, rule string) error {
	return &Limit{Store: p.Name, Rule: rule, Got: got, Kind: kind}
}

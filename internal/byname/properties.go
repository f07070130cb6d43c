package byname

import "github.com/sluicefs/sluicefs/internal/objstore"

// Properties are all that a mount knows of how new objects shall be.
type Properties struct {
	Types Types                  // may be nil
	Flags objstore.ObjectOptions // of every object, unless a rule says otherwise
	Rules Rules
}

// Of returns the properties that a path gives. Their maps are shared.
func (p *Properties) Of(path string) objstore.ObjectOptions {
	o := p.Rules.Apply(path, p.Flags)
	if o.ContentType == "" {
		o.ContentType = p.Types.Of(path)
	}
	return o
}

// Each calls fn with all combinations of properties that can be told beforehand:
// the flags alone, and with each rule. It stops at the first error.
func (p *Properties) Each(fn func(objstore.ObjectOptions) error) error {
	if err := fn(p.Flags); err != nil {
		return err
	}
	return p.Rules.Each(p.Flags, fn)
}

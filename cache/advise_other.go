//go:build !linux

package cache

// advise does nothing where there are no large pages to ask for.
func advise([]byte) {}

// Package meter counts what is asked of a store, attempt by attempt: it stands
// between package retry, which repeats, and the store itself.
//
// Counts are by operation and by what came of it: "ok", the HTTP status of a
// refusal, or "none" where no answer came. There are as many as there are
// operations and statuses, so they have a bound.
package meter

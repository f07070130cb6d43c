package probe

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluicefs/sluicefs/internal/objstore"
)

// The most by which clocks may differ: stores refuse signatures beyond 15 minutes, and
// a mount takes times of objects for its own.
const (
	skewRefused = 15 * time.Minute
	skewNoticed = 5 * time.Second
)

// bucket asks about the bucket itself.
func (b *bench) bucket() error {
	began := time.Now()
	clock, err := b.target.Clock(b.ctx)
	if err != nil {
		return err
	}
	took := time.Since(began)
	skew := clock.Sub(began.Add(took / 2)).Abs()
	switch {
	case clock.IsZero():
		b.tell(Check{Name: "clock", Verdict: Unknown, Detail: "the store does not tell the time"})
	case skew > skewRefused:
		b.tell(Check{Name: "clock", Verdict: Unsafe, Detail: fmt.Sprintf("the clocks differ by %s; signatures are refused beyond %s", skew.Round(time.Second), skewRefused)})
		b.advise("set the clock of this machine")
	case skew > skewNoticed:
		b.tell(Check{Name: "clock", Verdict: Warning, Detail: fmt.Sprintf("the clocks differ by %s: times of files will seem wrong", skew.Round(time.Second))})
	default:
		b.tell(Check{Name: "clock", Verdict: Good})
	}
	b.abortRule()
	return nil
}

// abortRule asks for a rule that ends unfinished uploads: nobody else will when a
// machine is gone.
func (b *bench) abortRule() {
	const name = "lifecycle"
	days, err := b.target.AbortRule(b.ctx, b.prefix)
	switch {
	case err == nil && days > 0:
		b.tell(Check{Name: name, Verdict: Good, Detail: fmt.Sprintf("unfinished uploads end after %d days", days)})
		return
	case err == nil, errors.Is(err, objstore.ErrUnsupported):
		b.tell(Check{Name: name, Verdict: Warning, Detail: "no rule ends unfinished uploads"})
	case errors.Is(err, objstore.ErrAccessDenied):
		b.tell(Check{Name: name, Verdict: Unknown, Detail: "the rules may not be read", Permission: "s3:GetLifecycleConfiguration"})
		return
	default:
		b.tell(Check{Name: name, Verdict: Unknown, Detail: err.Error()})
		return
	}
	if b.profile.AbortLifecycle {
		b.advise("give the bucket a lifecycle rule that ends incomplete multipart uploads, after 7 days say: those of a machine that was lost cost money for ever")
	} else {
		b.advise("end unfinished uploads of lost machines from time to time: this store has no rule for that")
	}
}

// extras asks what no mount needs.
func (b *bench) extras() {
	b.trailers()
	b.tags()
}

// trailers are a way of sending digests that nothing here uses: the answer is of use
// to those who run other programs.
func (b *bench) trailers() {
	err := b.again(func() error { return b.target.PutTrailer(b.ctx, b.key("trailer"), []byte("behind it")) })
	works := err == nil
	detail := "digests behind the body are refused; none are sent"
	if works {
		detail = "digests behind the body are understood; none are sent"
		if same, err := b.holds(b.prefix+"trailer", []byte("behind it")); err != nil || !same {
			works, detail = false, "bodies with digests behind them are stored with their framing; none are sent"
		}
	}
	if works == b.profile.Trailers {
		b.tell(Check{Name: "trailers", Verdict: Good, Detail: detail})
		return
	}
	b.differs("trailers", Good, detail, "trailers", onOff(works))
}

func (b *bench) tags() {
	opts := objstore.PutOptions{ObjectOptions: objstore.ObjectOptions{Tags: map[string]string{"by": "doctor"}}}
	_, err := b.put(b.target, b.key("tags"), nil, opts)
	works := err == nil
	switch {
	case works == b.profile.Tagging:
		b.tell(Check{Name: "tags", Verdict: Good, Detail: ifElse(works, "", "objects have none")})
	case errors.Is(err, objstore.ErrAccessDenied):
		b.tell(Check{Name: "tags", Verdict: Warning, Detail: "objects may not be given tags", Permission: "s3:PutObjectTagging"})
	case works:
		b.differs("tags", Better, "objects can have tags", "tagging", "on")
	default:
		b.differs("tags", Warning, "objects cannot have tags: "+err.Error(), "tagging", "off")
	}
}

func onOff(on bool) string { return ifElse(on, "on", "off") }

func ifElse(c bool, yes, no string) string {
	if c {
		return yes
	}
	return no
}

package meter_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/fault"
	"github.com/sluicefs/sluicefs/internal/objstore/mem"
	"github.com/sluicefs/sluicefs/internal/objstore/meter"
	"github.com/sluicefs/sluicefs/internal/objstore/storetest"
)

func profile(t *testing.T) objstore.Profile {
	t.Helper()
	p, ok := objstore.ProfileByName("aws")
	if !ok {
		t.Fatal("there is no profile of AWS")
	}
	return p
}

// TestConformance holds that what is counted is not changed.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return meter.New(mem.New(profile(t))) })
}

func TestCounts(t *testing.T) {
	faults := fault.New(mem.New(profile(t)))
	s := meter.New(faults)
	put := func(text string) error {
		_, err := s.Put(t.Context(), "k", objstore.Body{Reader: strings.NewReader(text), Size: int64(len(text))}, objstore.PutOptions{})
		return err
	}
	if err := put("12345"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Head(t.Context(), "nothing"); !errors.Is(err, objstore.ErrNotFound) {
		t.Fatal(err)
	}
	body, _, err := s.Get(t.Context(), "k", objstore.GetOptions{Length: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		t.Fatal(err)
	}
	body.Close()
	want := map[string]int64{"Get ok": 1, "Head 404": 1, "Put ok": 1}
	for _, c := range s.Counts() {
		if want[c.Op+" "+c.Status] != c.Calls {
			t.Errorf("%+v", c)
		}
		delete(want, c.Op+" "+c.Status)
	}
	if len(want) > 0 || s.Sent() != 5 || s.Received() != 3 {
		t.Errorf("missing %v, sent %d, received %d", want, s.Sent(), s.Received())
	}
}

package main

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// paper takes an event only at the second try.
type paper struct {
	tries int
	ids   []string
}

func (p *paper) add(_ context.Context, told event) error {
	if p.tries++; p.tries%2 == 1 {
		return errors.New("no primary")
	}
	p.ids = append(p.ids, told.ID)
	return nil
}

func TestEventsAreRepeatedInOrderAndTheLastIsWaitedFor(t *testing.T) {
	one, other := &paper{}, &paper{}
	all := []*outbox{newOutbox("one", one.add, newMetrics("")), newOutbox("other", other.add, newMetrics(""))}
	for _, id := range []string{"1", "2", "3"} {
		for _, each := range all {
			each.tell(event{ID: id})
		}
	}
	closeAll(all)
	for _, each := range []*paper{one, other} {
		if !slices.Equal(each.ids, []string{"1", "2", "3"}) {
			t.Fatalf("%v", each.ids)
		}
	}
}

func TestAServiceThatTakesNothingHoldsUpNoOther(t *testing.T) {
	taken := &paper{}
	never := func(context.Context, event) error { return errors.New("away") }
	all := []*outbox{newOutbox("never", never, newMetrics("")), newOutbox("taken", taken.add, newMetrics(""))}
	for range mostWaiting + 2 { // one is under way, the last is dropped
		all[0].tell(event{ID: "1"})
	}
	all[1].tell(event{ID: "2"})
	closeAll(all)
	if !slices.Equal(taken.ids, []string{"2"}) {
		t.Fatalf("%v", taken.ids)
	}
}

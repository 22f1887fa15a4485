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

func (p *paper) newest(context.Context) ([]event, error) { return nil, nil }

func TestEventsAreRepeatedInOrderAndTheLastIsWaitedFor(t *testing.T) {
	log := &paper{}
	kept := newJournal(log, newMetrics(""))
	for _, id := range []string{"1", "2", "3"} {
		kept.tell(event{ID: id})
	}
	kept.close()
	if !slices.Equal(log.ids, []string{"1", "2", "3"}) {
		t.Fatalf("%v", log.ids)
	}
}

func TestWithoutAJournalNothingIsTold(t *testing.T) {
	var none *journal
	none.tell(event{})
	none.close()
}

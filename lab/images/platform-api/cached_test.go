package main

import (
	"context"
	"errors"
	"strconv"
	"testing"
)

// shelf is a cache in memory, out of order if `broken`.
type shelf struct {
	version, listVersion int
	notes                []note
	broken               bool
	reads                int
}

func (s *shelf) fault() error {
	if s.broken {
		return errors.New("no cache")
	}
	return nil
}

func (s *shelf) read(context.Context) (string, []note, bool, error) {
	s.reads++
	hit := !s.broken && s.notes != nil && s.listVersion == s.version
	return strconv.Itoa(s.version), s.notes, hit, s.fault()
}

func (s *shelf) keep(_ context.Context, version string, notes []note) error {
	s.listVersion, _ = strconv.Atoi(version)
	s.notes = notes
	return s.fault()
}

func (s *shelf) outdate(context.Context) error {
	s.version++
	return s.fault()
}

// slowKeeper lets something happen while it reads.
type slowKeeper struct {
	memory
	meanwhile func()
	lists     int
}

func (s *slowKeeper) list(ctx context.Context) (listed, error) {
	s.lists++
	found, err := s.memory.list(ctx)
	if s.meanwhile != nil {
		s.meanwhile()
	}
	return found, err
}

func TestAListComesFromTheCacheUntilANoteIsAdded(t *testing.T) {
	below := &slowKeeper{}
	kept := &cached{keeper: below, cache: &shelf{}}
	for range 3 {
		kept.list(context.Background())
	}
	if below.lists != 1 {
		t.Fatalf("asked %d times", below.lists)
	}
	kept.add(context.Background(), newNote("a"))
	if found, _ := kept.list(context.Background()); len(found.Notes) != 1 {
		t.Fatalf("%+v", found)
	}
}

func TestAListReadBeforeANoteWasAddedIsNotServedAfterwards(t *testing.T) {
	below := &slowKeeper{}
	kept := &cached{keeper: below, cache: &shelf{}}
	below.meanwhile = func() {
		below.meanwhile = nil
		kept.add(context.Background(), newNote("a"))
	}
	kept.list(context.Background())
	if found, _ := kept.list(context.Background()); len(found.Notes) != 1 {
		t.Fatalf("%+v", found)
	}
}

func TestACacheThatFailsFailsNoRequestAndIsLeftAloneForAWhile(t *testing.T) {
	shelf := &shelf{broken: true}
	kept := &cached{keeper: &slowKeeper{}, cache: shelf}
	for range 3 {
		if err := kept.add(context.Background(), newNote("a")); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.list(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if shelf.reads != 0 {
		t.Fatalf("asked %d times", shelf.reads)
	}
}

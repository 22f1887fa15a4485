package main

import (
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestTheFirstCheckAsksUntilTheAPILivesAndLaterOnesWaitFirst(t *testing.T) {
	seen, asked := filepath.Join(t.TempDir(), "healthy"), 0
	ask := func() error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	}
	if err := checkHealth(seen, time.Second, ask); err != nil || asked != 3 {
		t.Fatalf("asked %d times: %v", asked, err)
	}
	began := time.Now()
	dead := errors.New("dead")
	if err := checkHealth(seen, time.Second, func() error { return dead }); !errors.Is(err, dead) {
		t.Fatalf("a dead API is %v", err)
	}
	if time.Since(began) < time.Second {
		t.Fatal("a later check did not wait")
	}
}

package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// attempt bounds one try at a store: a dead name is looked up outside the swarm and stalls for longer.
	attempt = 2 * time.Second
	// patience bounds all tries for one client: less than the 10 s after which most clients leave.
	patience = 8 * time.Second
	// pause lies between two tries.
	pause = 200 * time.Millisecond
)

// untilDone repeats what is safe to repeat, until it works or patience is over; the error is the last try's.
func untilDone(stop context.Context, try func(context.Context) error) error {
	all, cancel := context.WithTimeout(stop, patience)
	defer cancel()
	for tries := 1; ; tries++ {
		err := once(all, try)
		if err == nil {
			return nil
		}
		select {
		case <-all.Done():
			return fmt.Errorf("%d tries: %w", tries, err)
		case <-time.After(pause):
		}
	}
}

func once(stop context.Context, try func(context.Context) error) error {
	limit, cancel := context.WithTimeout(stop, attempt)
	defer cancel()
	return try(limit)
}

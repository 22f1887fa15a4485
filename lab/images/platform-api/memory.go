package main

import (
	"context"
	"sync"
)

// mostNotes bounds what one replica keeps in memory (the oldest goes first) and what one answer lists.
const mostNotes = 100

// memory keeps notes where there is no MySQL: each replica has its own, and they end with it.
type memory struct {
	host  string
	mutex sync.RWMutex
	notes []note
}

func (m *memory) name() string { return "the memory of " + m.host }

func (m *memory) lasting() bool { return false }

func (m *memory) add(_ context.Context, added note) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.notes = append(m.notes, added)
	if len(m.notes) > mostNotes {
		m.notes = append([]note{}, m.notes[1:]...)
	}
	return nil
}

func (m *memory) list(context.Context) (listed, error) {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	return listed{Notes: append([]note{}, m.notes...)}, nil
}

package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	mostNotes     = 100  // that are kept in memory, or shown; the oldest goes first
	mostTextRunes = 500  // of one note
	mostBodyBytes = 4096 // of one request
	storeTimeout  = 10 * time.Second
)

type note struct {
	ID   int64     `json:"id"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// store keeps notes; name and lasting are told to clients.
type store interface {
	name() string
	lasting() bool
	add(ctx context.Context, text string) (note, error)
	list(ctx context.Context) ([]note, error)
}

// notebook keeps notes in the memory of one replica, for an API that is told of no database.
type notebook struct {
	host  string
	mutex sync.RWMutex
	last  int64
	notes []note
}

func (n *notebook) name() string  { return "memory of " + n.host }
func (n *notebook) lasting() bool { return false }

func (n *notebook) add(_ context.Context, text string) (note, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.last++
	added := note{ID: n.last, Text: text, At: time.Now().UTC()}
	n.notes = append(n.notes, added)
	if len(n.notes) > mostNotes {
		n.notes = append([]note{}, n.notes[1:]...)
	}
	return added, nil
}

func (n *notebook) list(context.Context) ([]note, error) {
	n.mutex.RLock()
	defer n.mutex.RUnlock()
	return append([]note{}, n.notes...), nil
}

func (a *api) getNotes(w http.ResponseWriter, r *http.Request) {
	limit, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	notes, cached := a.cache.read(limit)
	if !cached {
		var err error
		if notes, err = a.notes.list(limit); err != nil {
			a.refuse(w, "notes can't be read now", err)
			return
		}
		a.cache.write(limit, notes)
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"store": a.notes.name(), "lasting": a.notes.lasting(), "cached": cached, "notes": notes,
	})
}

func (a *api) postNote(w http.ResponseWriter, r *http.Request) {
	if !a.authorized(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="platform-api"`)
		writeProblem(w, http.StatusUnauthorized, "the API token is missing or wrong; send Authorization: Bearer <token>")
		return
	}
	text, status, problem := readText(w, r)
	if problem != "" {
		writeProblem(w, status, problem)
		return
	}
	limit, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	added, err := a.notes.add(limit, text)
	if err != nil {
		a.refuse(w, "the note may not be stored; look before you send it again", err)
		return
	}
	a.cache.forget(limit)
	a.events.record(limit, added)
	writeJSON(w, http.StatusCreated, map[string]any{"store": a.notes.name(), "note": added})
}

func readText(w http.ResponseWriter, r *http.Request) (text string, status int, problem string) {
	var asked struct {
		Text string `json:"text"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBodyBytes)).Decode(&asked)
	var tooLarge *http.MaxBytesError
	text = strings.TrimSpace(asked.Text)
	switch {
	case errors.As(err, &tooLarge):
		return "", http.StatusRequestEntityTooLarge, "send at most 4096 bytes"
	case err != nil:
		return "", http.StatusBadRequest, `send JSON: {"text": "…"}`
	case text == "" || utf8.RuneCountInString(text) > mostTextRunes:
		return "", http.StatusBadRequest, "text has 1 to 500 characters"
	}
	return text, 0, ""
}

// refuse answers 500, not 503: the edge counts 503 as a failure of this replica, and it is not the replica's.
func (a *api) refuse(w http.ResponseWriter, detail string, err error) {
	slog.Error("store failed", "error", err)
	writeProblem(w, http.StatusInternalServerError, detail)
}

func (a *api) authorized(r *http.Request) bool {
	given, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return isBearer && subtle.ConstantTimeCompare([]byte(given), a.config.Token) == 1
}

package main

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	mostNotes     = 100  // per replica; the oldest goes first
	mostTextRunes = 500  // of one note
	mostBodyBytes = 4096 // of one request
)

type note struct {
	ID   int       `json:"id"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// notebook keeps notes in the memory of one replica. Answers say so: another replica has others.
type notebook struct {
	mutex sync.RWMutex
	last  int
	notes []note
}

func (n *notebook) add(text string) note {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.last++
	added := note{ID: n.last, Text: text, At: time.Now().UTC()}
	n.notes = append(n.notes, added)
	if len(n.notes) > mostNotes {
		n.notes = append([]note{}, n.notes[1:]...)
	}
	return added
}

func (n *notebook) list() []note {
	n.mutex.RLock()
	defer n.mutex.RUnlock()
	return append([]note{}, n.notes...)
}

func (a *api) getNotes(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"store": a.store(), "notes": a.notes.list()})
}

func (a *api) postNote(w http.ResponseWriter, r *http.Request) {
	if !a.authorized(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="platform-api"`)
		writeProblem(w, http.StatusUnauthorized, "the API token is missing or wrong; send Authorization: Bearer <token>")
		return
	}
	var asked struct {
		Text string `json:"text"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBodyBytes)).Decode(&asked)
	var tooLarge *http.MaxBytesError
	text := strings.TrimSpace(asked.Text)
	switch {
	case errors.As(err, &tooLarge):
		writeProblem(w, http.StatusRequestEntityTooLarge, "send at most 4096 bytes")
	case err != nil:
		writeProblem(w, http.StatusBadRequest, `send JSON: {"text": "…"}`)
	case text == "" || utf8.RuneCountInString(text) > mostTextRunes:
		writeProblem(w, http.StatusBadRequest, "text has 1 to 500 characters")
	default:
		writeJSON(w, http.StatusCreated, map[string]any{"store": a.store(), "note": a.notes.add(text)})
	}
}

func (a *api) authorized(r *http.Request) bool {
	given, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return isBearer && subtle.ConstantTimeCompare([]byte(given), a.config.Token) == 1
}

func (a *api) store() string { return "memory of " + a.config.Host }

package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	mostTextRunes = 500  // of one note
	mostBodyBytes = 4096 // of one request
)

// note has an id of the API's own making, so that writing it twice is writing it once.
type note struct {
	ID   string    `json:"id"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// listed is the newest notes, oldest first. Lagging: the last ones may be missing yet.
type listed struct {
	Notes   []note `json:"notes"`
	Lagging bool   `json:"lagging"`
}

// keeper keeps notes. `add` of a note that is there already succeeds; nil is a promise to keep it.
type keeper interface {
	name() string  // completes "kept in …"
	lasting() bool // notes outlive this replica, and every replica has the same
	add(context.Context, note) error
	list(context.Context) (listed, error)
}

// newNote's id sorts by time: 12 hex digits of milliseconds, 20 of chance. `at` is as precise as MySQL keeps it.
func newNote(text string) note {
	var chance [10]byte
	rand.Read(chance[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	at := time.Now().UTC().Truncate(time.Microsecond)
	return note{ID: fmt.Sprintf("%012x%x", at.UnixMilli(), chance), Text: text, At: at}
}

func (a *api) getNotes(w http.ResponseWriter, r *http.Request) {
	found, err := a.notes.list(r.Context())
	if err != nil {
		a.refuse(w, "read", err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"host": a.config.Host, "store": a.notes.name(), "lasting": a.notes.lasting(),
		"lagging": found.Lagging, "notes": found.Notes,
	})
}

func (a *api) postNote(w http.ResponseWriter, r *http.Request) {
	if !a.authorized(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="platform-api"`)
		writeProblem(w, http.StatusUnauthorized, "the API token is missing or wrong; send Authorization: Bearer <token>")
		return
	}
	text, code, problem := readText(w, r)
	if problem != "" {
		writeProblem(w, code, problem)
		return
	}
	added := newNote(text)
	if err := a.notes.add(r.Context(), added); err != nil {
		a.refuse(w, "kept", err)
		return
	}
	told := event{ID: added.ID, Kind: "note-added", At: added.At, By: a.config.Host}
	for _, each := range a.outboxes {
		each.tell(told)
	}
	writeJSON(w, http.StatusCreated, map[string]any{
		"store": a.notes.name(), "lasting": a.notes.lasting(), "note": added,
	})
}

// readText is the note's text, or the status and the words to refuse it with.
func readText(w http.ResponseWriter, r *http.Request) (string, int, string) {
	var asked struct {
		Text string `json:"text"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBodyBytes)).Decode(&asked)
	var tooLarge *http.MaxBytesError
	text := strings.TrimSpace(asked.Text)
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

// refuse answers 504, never 502 or 503: at those the edge would ask, and mark as failed, one replica after
// the other for the fault of one database. The cause is for the log: it names hosts and accounts.
func (a *api) refuse(w http.ResponseWriter, done string, err error) {
	slog.Warn("notes could not be "+done, "store", a.notes.name(), "error", err)
	w.Header().Set("Retry-After", "2")
	writeProblem(w, http.StatusGatewayTimeout, "could not be "+done+" in "+a.notes.name()+"; try again")
}

func (a *api) authorized(r *http.Request) bool {
	given, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return isBearer && subtle.ConstantTimeCompare([]byte(given), a.config.Token) == 1
}

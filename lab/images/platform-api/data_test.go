package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func from(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func secretFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWithoutAddressesNotesAreInMemoryAndNothingIsLookedAt(t *testing.T) {
	made, err := openData(from(nil), "here")
	if err != nil || made.notes.lasting() || made.cache != nil || made.events != nil || len(made.looks) != 0 {
		t.Fatalf("%+v %v", made, err)
	}
}

func TestEachDataServiceIsUsedOnlyIfItsAddressIsTold(t *testing.T) {
	password := secretFile(t)
	for want, given := range map[string]map[string]string{
		"mysql":   {"MYSQL_ADDRESS": "127.0.0.1:1", "MYSQL_PASSWORD_FILE": password},
		"redis":   {"REDIS_SENTINELS": "127.0.0.1:1, 127.0.0.1:2", "REDIS_PASSWORD_FILE": password},
		"mongodb": {"MONGODB_HOSTS": "127.0.0.1:1", "MONGODB_REPLICA_SET": "rs0", "MONGODB_USER": "app", "MONGODB_PASSWORD_FILE": password},
	} {
		made, err := openData(from(given), "here")
		if err != nil || len(made.looks) != 1 || made.looks[0].Name != want {
			t.Fatalf("%s: %+v %v", want, made, err)
		}
	}
}

func TestAMissingPasswordIsRefusedBeforeServing(t *testing.T) {
	for _, given := range []map[string]string{
		{"MYSQL_ADDRESS": "m:1", "MYSQL_PASSWORD_FILE": "/nowhere"},
		{"REDIS_SENTINELS": "s:1", "REDIS_PASSWORD_FILE": "/nowhere"},
		{"MONGODB_HOSTS": "m:1", "MONGODB_PASSWORD_FILE": "/nowhere"},
		{"MYSQL_ADDRESS": "m:1", "MYSQL_PASSWORD_FILE": secretFile(t), "MYSQL_CA_FILE": secretFile(t)},
	} {
		if _, err := openData(from(given), "here"); err == nil || !strings.Contains(err.Error(), "mount") {
			t.Errorf("%v: %v", given, err)
		}
	}
}

type broken struct{ notebook }

func (b *broken) add(context.Context, string) (note, error) { return note{}, errors.New("gone") }
func (b *broken) list(context.Context) ([]note, error)      { return nil, errors.New("gone") }

func TestAStoreThatFailsIsNotTheReplicasFailure(t *testing.T) {
	api, server := started(t, config{})
	api.notes = &broken{}
	if code, _ := status(t, "POST", server.URL+"/notes", "right", `{"text":"a"}`); code != http.StatusInternalServerError {
		t.Errorf("POST: %d", code)
	}
	if code, _ := status(t, "GET", server.URL+"/notes", "", ""); code != http.StatusInternalServerError {
		t.Errorf("GET: %d", code)
	}
	if live, _ := status(t, "GET", server.URL+"/live", "", ""); live != 200 {
		t.Errorf("live: %d", live)
	}
}

func TestANoteIsStoredThoughCacheAndEventsAreDown(t *testing.T) {
	password := secretFile(t)
	made, err := openData(from(map[string]string{
		"REDIS_SENTINELS": "127.0.0.1:1", "REDIS_PASSWORD_FILE": password, "MONGODB_HOSTS": "127.0.0.1:1",
		"MONGODB_REPLICA_SET": "rs0", "MONGODB_USER": "app", "MONGODB_PASSWORD_FILE": password, "MONGODB_DATABASE": "platform",
	}), "here")
	if err != nil {
		t.Fatal(err)
	}
	api, server := started(t, config{})
	api.cache, api.events = made.cache, made.events
	if code, _ := status(t, "POST", server.URL+"/notes", "right", `{"text":"kept"}`); code != 201 {
		t.Fatalf("%d", code)
	}
	if lost := api.events.lost.Load(); lost != 1 {
		t.Errorf("lost events: %d", lost)
	}
	if notes, _ := api.notes.list(context.Background()); len(notes) != 1 {
		t.Errorf("%v", notes)
	}
}

func TestTheEnvironmentGoesBeforeItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "environment")
	if err := os.WriteFile(file, []byte("# comment\n\nONE_KEY=file=1\nOTHER_KEY=file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OTHER_KEY", "environment")
	get, err := settings(file)
	if err != nil || get("ONE_KEY") != "file=1" || get("OTHER_KEY") != "environment" || get("NONE") != "" {
		t.Fatalf("%q %q %v", get("ONE_KEY"), get("OTHER_KEY"), err)
	}
	if err := os.WriteFile(file, []byte("no pair\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := settings(file); err == nil || !strings.Contains(err.Error(), ":1:") {
		t.Fatalf("%v", err)
	}
}

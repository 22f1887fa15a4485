package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func started(t *testing.T, given config) (*api, *httptest.Server) {
	t.Helper()
	given.Token = []byte("right")
	given.Host = "here"
	made, err := newAPI(t.Context(), given)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(made.handler())
	t.Cleanup(server.Close)
	return made, server
}

func status(t *testing.T, method, url, token, body string) (int, *http.Response) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer.StatusCode, answer
}

func TestANoteNeedsTheTokenAndASaneText(t *testing.T) {
	_, server := started(t, config{})
	for _, each := range []struct {
		token, body string
		want        int
	}{
		{"", `{"text":"a"}`, 401},
		{"wrong", `{"text":"a"}`, 401},
		{"right", `{"text":"a"}`, 201},
		{"right", `{"text":"  "}`, 400},
		{"right", `not JSON`, 400},
		{"right", `{"text":"` + strings.Repeat("a", 501) + `"}`, 400},
		{"right", `{"text":"` + strings.Repeat("a", 5000) + `"}`, 413},
	} {
		if got, _ := status(t, "POST", server.URL+"/notes", each.token, each.body); got != each.want {
			t.Errorf("token %q, %d bytes: %d, want %d", each.token, len(each.body), got, each.want)
		}
	}
}

func TestNotesInMemoryAreBoundedAndTheOldestGoesFirst(t *testing.T) {
	var kept memory
	for number := range mostNotes + 5 {
		kept.add(context.Background(), note{Text: strconv.Itoa(number)})
	}
	found, _ := kept.list(context.Background())
	if len(found.Notes) != mostNotes || found.Notes[0].Text != "5" {
		t.Fatalf("%d notes, the first is %s", len(found.Notes), found.Notes[0].Text)
	}
}

func TestWithoutStoresNotesStayInMemoryAndThereAreNoEvents(t *testing.T) {
	_, server := started(t, config{})
	status(t, "POST", server.URL+"/notes", "right", `{"text":"a"}`)
	var told struct {
		Store   string
		Lasting bool
		Notes   []note
	}
	_, answer := status(t, "GET", server.URL+"/notes", "", "")
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	if told.Store != "the memory of here" || told.Lasting || len(told.Notes) != 1 {
		t.Fatalf("%+v", told)
	}
	if code, _ := status(t, "GET", server.URL+"/events", "", ""); code != 404 {
		t.Fatalf("events: %d", code)
	}
}

func TestADeadBackingServiceDegradesHealthButNotLiveness(t *testing.T) {
	api, server := started(t, config{Backends: []backend{{Name: "db", Kind: "tcp", Address: "127.0.0.1:1"}}})
	api.backings.lookAtAll(context.Background())
	code, answer := status(t, "GET", server.URL+"/health", "", "")
	var told health
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	if code != 200 || told.Status != "degraded" || told.Backings[0].State != "down" {
		t.Fatalf("%d %+v", code, told)
	}
	if live, _ := status(t, "GET", server.URL+"/live", "", ""); live != 200 {
		t.Fatalf("live: %d", live)
	}
}

func TestADrainingReplicaIsNotReadyServesOnAndClosesConnections(t *testing.T) {
	api, server := started(t, config{})
	api.draining.Store(true)
	if ready, _ := status(t, "GET", server.URL+"/ready", "", ""); ready != 503 {
		t.Fatalf("ready: %d", ready)
	}
	code, answer := status(t, "GET", server.URL+"/version", "", "")
	if code != 200 || !answer.Close {
		t.Fatalf("%d, connection closes: %v", code, answer.Close)
	}
}

func TestABrokenImageIsNeverAlive(t *testing.T) {
	_, server := started(t, config{Broken: true})
	if live, _ := status(t, "GET", server.URL+"/live", "", ""); live != 503 {
		t.Fatalf("live: %d", live)
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	_, server := started(t, config{Version: "9.9.9"})
	status(t, "GET", server.URL+"/version", "", "")
	_, answer := status(t, "GET", server.URL+"/metrics", "", "")
	text := new(strings.Builder)
	if err := answer.Write(text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`platform_api_requests_total{code="200",route="GET /version"} 1`, `platform_api_build_info{version="9.9.9"} 1`,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestAFaultyConfigurationIsRefusedWithTheRemedy(t *testing.T) {
	token := filepath.Join(t.TempDir(), "api_token")
	if err := os.WriteFile(token, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"API_TOKEN_FILE": "/nowhere", "PORT": "http", "BROKEN": "a bit", "BACKENDS": `[{"name":"db","kind":"udp"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("API_TOKEN_FILE", token)
			if _, err := configFromEnv(); err != nil {
				t.Fatalf("sound: %v", err)
			}
			t.Setenv(name, value)
			if _, err := configFromEnv(); err == nil || !strings.Contains(err.Error(), ";") {
				t.Fatalf("%v", err)
			}
		})
	}
}

package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

// wire is a broker that gives back what it took, the first try failing.
type wire struct {
	tries    int
	messages chan []byte
}

func (w *wire) name() string { return "wire" }

func (w *wire) publish(_ context.Context, text []byte) error {
	if w.tries++; w.tries == 1 {
		return errors.New("no leader")
	}
	w.messages <- text
	return nil
}

func (w *wire) consume(stop context.Context, take func([]byte)) error {
	for {
		select {
		case <-stop.Done():
			return stop.Err()
		case text := <-w.messages:
			take(text)
			take([]byte("no event"))
		}
	}
}

func (w *wire) probe() probe { return probe{} }

func TestANoteIsAnnouncedAndWhatIsConsumedIsShown(t *testing.T) {
	api, server := started(t, config{})
	api.announce(t.Context(), &wire{messages: make(chan []byte, 9)})
	if code, _ := status(t, "POST", server.URL+"/notes", "right", `{"text":"a"}`); code != 201 {
		t.Fatalf("post: %d", code)
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if found := api.announced.list()["wire"]; len(found) == 1 && found[0].By == "here" {
			return
		}
	}
	t.Fatalf("%+v", api.announced.list())
}

func TestBrokersAndARegistryThatDoNotAnswerAreDownAndTheAPILives(t *testing.T) {
	nobody := login{User: "app", password: "x"}
	api, server := started(t, config{Port: "8080", Stores: stores{
		Kafka:    &kafkaStore{login: nobody, Brokers: []string{"127.0.0.1:1"}, Topic: "notes", Group: "app"},
		RabbitMQ: &rabbitStore{login: nobody, Members: []string{"127.0.0.1:1"}, VHost: "platform", Queue: "notes"},
		RocketMQ: &rocketStore{login: nobody, NameServers: []string{"127.0.0.1:1"}, Topic: "notes", Group: "api"},
		Nacos:    &nacosStore{login: nobody, Servers: []string{"http://127.0.0.1:1/nacos"}},
	}})
	api.backings.lookAtAll(context.Background())
	seen := api.backings.list()
	if len(seen) != 4 {
		t.Fatalf("%+v", seen)
	}
	for _, each := range seen {
		if each.State != "down" || each.Error == "" {
			t.Errorf("%+v", each)
		}
	}
	for _, path := range []string{"/live", "/ready", "/health", "/notes", "/announcements", "/settings"} {
		if code, _ := status(t, "GET", server.URL+path, "", ""); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code, _ := status(t, "POST", server.URL+"/notes", "right", `{"text":"a"}`); code != 201 {
		t.Errorf("post: %d", code)
	}
}

func TestSettingsAreReadLineByLineAndOthersAreLeftOut(t *testing.T) {
	if found := parseSettings("other=1\ngreeting = Hello = all \n"); found.Greeting != "Hello = all" {
		t.Fatalf("%+v", found)
	}
}

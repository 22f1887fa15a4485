package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
)

// backend is a service that the API is told of; tcp has an address (host:port), http a url.
type backend struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Address string `json:"address,omitempty"`
	URL     string `json:"url,omitempty"`
}

func (b backend) check() error {
	switch {
	case b.Name == "":
		return fmt.Errorf("an entry has no name; give it one")
	case b.Kind == "tcp" && b.Address != "" && b.URL == "":
		return nil
	case b.Kind == "http" && b.URL != "" && b.Address == "":
		return nil
	}
	return fmt.Errorf("%s: kind %q; use tcp with address or http with url", b.Name, b.Kind)
}

func (b backend) probe() probe {
	return probe{Name: b.Name, Kind: b.Kind, ask: func(limit context.Context) (string, error) {
		return "", b.reach(limit)
	}}
}

func (b backend) reach(limit context.Context) error {
	if b.Kind == "tcp" {
		connection, err := (&net.Dialer{}).DialContext(limit, "tcp", b.Address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
	request, err := http.NewRequestWithContext(limit, http.MethodGet, b.URL, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}

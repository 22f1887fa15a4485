package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// nacosStore: `servers` are URLs below which the API lies, such as http://nacos-1:8848/nacos.
type nacosStore struct {
	login
	Servers   []string `json:"servers"`
	Namespace string   `json:"namespace"`
	Group     string   `json:"group"`
	Service   string   `json:"service"` // what this replica registers as
	DataID    string   `json:"data_id"` // the settings that are read: lines of name=value
}

// inNacos registers this replica, and keeps what it saw last. It speaks the HTTP API of Nacos 3
// (https://nacos.io/docs/latest/manual/user/open-api/): the SDK for Go needs a disk for its logs and its cache.
type inNacos struct {
	store   nacosStore
	port    string
	address string // this replica's own
	client  *http.Client
	next    int // the server to ask; the following one after a failure
	token   string

	mutex    sync.RWMutex
	fault    error
	member   string
	replicas int
	settings settings
}

// settings are what Nacos may change while the API runs.
type settings struct {
	Greeting string `json:"greeting"`
}

// parseSettings leaves out what this version does not know.
func parseSettings(text string) (found settings) {
	for line := range strings.Lines(text) {
		if name, value, isSet := strings.Cut(line, "="); isSet && strings.TrimSpace(name) == "greeting" {
			found.Greeting = strings.TrimSpace(value)
		}
	}
	return found
}

func openNacos(store nacosStore, host, port string) *inNacos {
	found := &inNacos{store: store, port: port, client: &http.Client{Timeout: attempt}, fault: errors.New("not asked yet")}
	if addresses, err := net.LookupHost(host); err == nil && len(addresses) > 0 {
		found.address = addresses[0]
	}
	return found
}

// watch renews the registration every checkEvery, as an instance that is silent for 15 s counts as unhealthy.
func (n *inNacos) watch(stop context.Context) {
	for {
		limit, cancel := context.WithTimeout(stop, checkEvery)
		n.look(limit)
		cancel()
		select {
		case <-stop.Done():
			n.leave()
			return
		case <-time.After(checkEvery):
		}
	}
}

func (n *inNacos) look(limit context.Context) {
	replicas, read, err := n.ask(limit)
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if err != nil {
		if n.fault == nil {
			slog.Warn("nacos does not serve", "error", err)
		}
		n.fault, n.member, n.token = err, "", ""
		n.next++ // settings and replicas stay what they were
		return
	}
	if read != n.settings {
		slog.Info("settings changed", "greeting", read.Greeting)
	}
	n.fault, n.member, n.replicas, n.settings = nil, n.host(), replicas, read
}

func (n *inNacos) ask(limit context.Context) (replicas int, read settings, err error) {
	if n.token == "" {
		var told struct {
			Token string `json:"accessToken"`
		}
		form := url.Values{"username": {n.store.User}, "password": {n.store.password}}
		if err := n.call(limit, http.MethodPost, "/v3/auth/user/login", form, &told); err != nil {
			return 0, read, err
		}
		n.token = told.Token
	}
	if err := n.onEach(limit, http.MethodPost); err != nil {
		return 0, read, err
	}
	var listed struct {
		Data []struct {
			IP      string `json:"ip"`
			Healthy bool   `json:"healthy"`
		} `json:"data"`
	}
	named := url.Values{"namespaceId": {n.store.Namespace}, "groupName": {n.store.Group}, "serviceName": {n.store.Service}}
	if err := n.call(limit, http.MethodGet, "/v3/client/ns/instance/list", named, &listed); err != nil {
		return 0, read, err
	}
	for _, each := range listed.Data {
		if each.Healthy {
			replicas++
		}
	}
	read, err = n.read(limit)
	return replicas, read, err
}

// onEach registers this replica with every server, or takes it out of each; what the one that is asked says counts.
// A server passes on only what it is responsible for, and since version 3 it leaves a registration by HTTP where it
// came in: DistroFilter is for the paths of version 1.
func (n *inNacos) onEach(limit context.Context, method string) error {
	faults := make([]error, len(n.store.Servers))
	var all sync.WaitGroup
	for place, server := range n.store.Servers {
		all.Add(1)
		go func() {
			defer all.Done()
			faults[place] = n.callOf(limit, server, method, "/v3/client/ns/instance", n.instance(), nil)
		}()
	}
	all.Wait()
	return faults[n.next%len(faults)]
}

func (n *inNacos) instance() url.Values {
	return url.Values{
		"namespaceId": {n.store.Namespace}, "groupName": {n.store.Group}, "serviceName": {n.store.Service},
		"ip": {n.address}, "port": {n.port}, "ephemeral": {"true"}, "heartBeat": {"false"},
	}
}

// read gives the zero settings where nobody has published any.
func (n *inNacos) read(limit context.Context) (read settings, err error) {
	var told struct {
		Data struct {
			Content string `json:"content"`
		} `json:"data"`
	}
	named := url.Values{"namespaceId": {n.store.Namespace}, "groupName": {n.store.Group}, "dataId": {n.store.DataID}}
	err = n.call(limit, http.MethodGet, "/v3/client/cs/config", named, &told)
	if errors.Is(err, errNotThere) {
		err = nil
	}
	return parseSettings(told.Data.Content), err
}

func (n *inNacos) leave() {
	limit, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := n.onEach(limit, http.MethodDelete); err != nil {
		slog.Warn("still registered in nacos", "error", err)
	}
}

var errNotThere = errors.New("not there")

func (n *inNacos) call(limit context.Context, method, path string, given url.Values, answer any) error {
	return n.callOf(limit, n.server(), method, path, given, answer)
}

// callOf sends the parameters in the body of a POST, else in the address, which is no place for a password.
func (n *inNacos) callOf(limit context.Context, server, method, path string, given url.Values, answer any) error {
	address, body := server+path, ""
	if method == http.MethodPost {
		body = given.Encode()
	} else {
		address += "?" + given.Encode()
	}
	request, err := http.NewRequestWithContext(limit, method, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if n.token != "" {
		request.Header.Set("accessToken", n.token)
	}
	told, err := n.client.Do(request)
	if err != nil {
		return err
	}
	defer told.Body.Close()
	text, err := io.ReadAll(io.LimitReader(told.Body, 1<<20))
	if err != nil {
		return err
	}
	if told.StatusCode == http.StatusNotFound {
		return errNotThere
	}
	if told.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, told.Status)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

func (n *inNacos) server() string { return n.store.Servers[n.next%len(n.store.Servers)] }

func (n *inNacos) host() string {
	found, err := url.Parse(n.server())
	if err != nil {
		return ""
	}
	return found.Hostname()
}

func (n *inNacos) probe() probe {
	return probe{Name: "nacos", Kind: "nacos", ask: func(context.Context) (string, error) {
		n.mutex.RLock()
		defer n.mutex.RUnlock()
		return n.member, n.fault
	}}
}

// getSettings tells what Nacos says at present: the settings, and how many replicas are registered.
func (a *api) getSettings(w http.ResponseWriter, _ *http.Request) {
	if a.registry == nil {
		writeProblem(w, http.StatusNotFound, "this environment has no registry: it has no Nacos")
		return
	}
	a.registry.mutex.RLock()
	defer a.registry.mutex.RUnlock()
	writeJSON(w, http.StatusOK, map[string]any{
		"host": a.config.Host, "settings": a.registry.settings, "replicas": a.registry.replicas,
	})
}

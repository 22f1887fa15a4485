package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
)

// tokenFile is where Swarm mounts the secret that POST /notes asks for.
const tokenFile = "/run/secrets/api_token"

// neverHealthy is the one fault that BROKEN can ask for: the program runs and is never alive.
const neverHealthy = "never-healthy"

type config struct {
	Port, Version, Host string
	Token               []byte
	Backends            []backend
	Stores              stores
	Broken              bool
}

// configFromEnv reads PORT, VERSION, BROKEN, BACKENDS, STORES_FILE and the token's file; errors name the remedy.
func configFromEnv() (config, error) {
	port, err := portFromEnv()
	if err != nil {
		return config{}, err
	}
	token, err := readSecret("api_token", envOr("API_TOKEN_FILE", tokenFile))
	if err != nil {
		return config{}, err
	}
	backends, err := parseBackends(envOr("BACKENDS", "[]"))
	if err != nil {
		return config{}, err
	}
	stores, err := readStores(os.Getenv("STORES_FILE"))
	if err != nil {
		return config{}, err
	}
	broken := os.Getenv("BROKEN")
	if broken != "" && broken != neverHealthy {
		return config{}, fmt.Errorf("BROKEN=%s: unknown; leave it empty or use %s", broken, neverHealthy)
	}
	host, err := os.Hostname()
	if err != nil {
		return config{}, fmt.Errorf("host name: %w", err)
	}
	return config{
		Port: port, Version: envOr("VERSION", "unknown"), Host: host,
		Token: token, Backends: backends, Stores: stores, Broken: broken == neverHealthy,
	}, nil
}

func portFromEnv() (string, error) {
	port := envOr("PORT", "8080")
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		return "", fmt.Errorf("PORT=%s: not a port; use 1 to 65535", port)
	}
	return port, nil
}

// readSecret is a mounted file's content without the white space around it.
func readSecret(name, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w; mount the secret there", name, err)
	}
	content := bytes.TrimSpace(text)
	if len(content) == 0 {
		return nil, fmt.Errorf("secret %s: %s is empty; create the secret anew", name, path)
	}
	return content, nil
}

// parseBackends reads [{"name": "…", "kind": "tcp", "address": "host:port"}, {"name": "…", "kind": "http", "url": "…"}].
func parseBackends(text string) ([]backend, error) {
	var found []backend
	decoder := json.NewDecoder(bytes.NewBufferString(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&found); err != nil {
		return nil, fmt.Errorf("BACKENDS: %w; it is a JSON list of {name, kind, address or url}", err)
	}
	for _, each := range found {
		if err := each.check(); err != nil {
			return nil, fmt.Errorf("BACKENDS: %w", err)
		}
	}
	return found, nil
}

func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

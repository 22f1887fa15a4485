package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// tokenFile is where Swarm mounts the secret that POST /notes asks for.
const tokenFile = "/run/secrets/api_token"

// neverHealthy is the one fault that BROKEN can ask for: the program runs and is never alive.
const neverHealthy = "never-healthy"

type config struct {
	Port, Version, Host string
	Token               []byte
	Backends            []backend
	Broken              bool
	get                 func(string) string
}

// configFromEnv reads PORT, VERSION, BROKEN, BACKENDS and the token's file; errors name the remedy.
func configFromEnv() (config, error) {
	get, err := settings(os.Getenv("ENVIRONMENT_FILE"))
	if err != nil {
		return config{}, err
	}
	port, err := portFromEnv()
	if err != nil {
		return config{}, err
	}
	token, err := readSecret("secret api_token", envOr("API_TOKEN_FILE", tokenFile))
	if err != nil {
		return config{}, err
	}
	backends, err := parseBackends(envOr("BACKENDS", "[]"))
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
		Token: token, Backends: backends, Broken: broken == neverHealthy, get: get,
	}, nil
}

func portFromEnv() (string, error) {
	port := envOr("PORT", "8080")
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		return "", fmt.Errorf("PORT=%s: not a port; use 1 to 65535", port)
	}
	return port, nil
}

// settings looks a name up in the environment, then among the lines KEY=value of the file, if there is one.
func settings(path string) (func(string) string, error) {
	if path == "" {
		return os.Getenv, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ENVIRONMENT_FILE: %w; mount it, or leave the variable empty", err)
	}
	values := map[string]string{}
	for number, line := range strings.Split(string(text), "\n") {
		key, value, found := strings.Cut(line, "=")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case !found:
			return nil, fmt.Errorf("%s:%d: no KEY=value; correct the line", path, number+1)
		default:
			values[key] = value
		}
	}
	return func(name string) string {
		if value := os.Getenv(name); value != "" {
			return value
		}
		return values[name]
	}, nil
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

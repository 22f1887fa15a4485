package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// written puts the files below a folder of the test's own and returns the folder.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		text = strings.ReplaceAll(text, "@", folder)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const noneButRedis = `{"mysql": null, "mongodb": null,
	"redis": {"sentinels": ["127.0.0.1:1"], "master": "redis-master", "user": "app", "password_file": "@/password"}}`

func TestAnEnvironmentHasTheStoresThatItsFileNames(t *testing.T) {
	folder := written(t, map[string]string{"stores.json": noneButRedis, "password": "secret\n"})
	found, err := readStores(folder + "/stores.json")
	if err != nil || found.MySQL != nil || found.MongoDB != nil {
		t.Fatalf("%+v %v", found, err)
	}
	if found.Redis.User != "app" || found.Redis.password != "secret" || found.Redis.Master != "redis-master" {
		t.Fatalf("%+v", found.Redis)
	}
}

func TestAFaultyFileOfStoresIsRefusedWithTheRemedy(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":              `mysql: none`,
		"an unknown store":     `{"oracle": {}}`,
		"a password not there": `{"mongodb": {"password_file": "@/nowhere"}}`,
		"an empty password":    `{"mysql": {"password_file": "@/empty"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			folder := written(t, map[string]string{"stores.json": text, "empty": ""})
			if _, err := readStores(folder + "/stores.json"); err == nil || !strings.Contains(err.Error(), ";") {
				t.Fatalf("%v", err)
			}
		})
	}
	if _, err := readStores("/nowhere/stores.json"); err == nil {
		t.Fatal("a file that is named has to be there")
	}
}

func TestACertificateThatIsNoneIsRefused(t *testing.T) {
	text := `{"mysql": {"password_file": "@/password", "ca_file": "@/password"}}`
	folder := written(t, map[string]string{"stores.json": text, "password": "secret"})
	_, err := readStores(folder + "/stores.json")
	if err == nil || !strings.Contains(err.Error(), ";") {
		t.Fatalf("%v", err)
	}
}

func TestMySQLIsNeverAskedWithoutTLS(t *testing.T) {
	_, err := openMySQL(mysqlStore{Write: "mysql:3306", Read: "mysql:3307"}, newMetrics(""))
	if err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Fatalf("%v", err)
	}
}

func TestStoresThatDoNotAnswerAreDownAndTheAPILivesAndKeepsNotes(t *testing.T) {
	nobody := login{User: "app", password: "x"}
	api, server := started(t, config{Stores: stores{
		Redis:   &redisStore{login: nobody, Sentinels: []string{"127.0.0.1:1"}, Master: "redis-master"},
		MongoDB: &mongoStore{login: nobody, Members: []string{"127.0.0.1:1"}, ReplicaSet: "rs0", Database: "platform"},
	}})
	began := time.Now()
	api.backings.lookAtAll(context.Background())
	if took := time.Since(began); took > checkTimeout+time.Second {
		t.Errorf("the look took %s", took)
	}
	for _, each := range api.backings.list() {
		if each.State != "down" || each.Error == "" {
			t.Errorf("%+v", each)
		}
	}
	for _, path := range []string{"/live", "/health", "/notes"} {
		if code, _ := status(t, "GET", server.URL+path, "", ""); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code, _ := status(t, "POST", server.URL+"/notes", "right", `{"text":"a"}`); code != 201 {
		t.Errorf("post: %d", code)
	}
}

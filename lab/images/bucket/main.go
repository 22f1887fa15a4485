// An S3 bucket for the tests of the lab: in memory, behind TLS, signatures checked.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

const (
	address = ":9000"
	name    = "backups"
	// What a test mounts: certificate.pem, key.pem, access_key, secret_key.
	folder = "/run/bucket"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "bucket:", err)
		os.Exit(1)
	}
}

func serve() error {
	access, err := read("access_key")
	if err != nil {
		return err
	}
	secret, err := read("secret_key")
	if err != nil {
		return err
	}
	backend := s3mem.New()
	if err := backend.CreateBucket(context.Background(), name); err != nil {
		return err
	}
	fake := gofakes3.New(backend, gofakes3.WithV4Auth(map[string]string{access: secret}))
	server := http.Server{Addr: address, Handler: fake.Server(), ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServeTLS(filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem"))
}

func read(file string) (string, error) {
	text, err := os.ReadFile(filepath.Join(folder, file))
	return strings.TrimSpace(string(text)), err
}

#!/usr/bin/env bash
# Builds the static server, and the folder that is its bucket.
# Input: OUT, an existing folder.
set -euo pipefail

main() {
  : "${OUT:?set OUT to the folder that the program is built into}"
  cd "$(dirname "${BASH_SOURCE[0]}")"
  CGO_ENABLED=0 GOOS=linux GOFLAGS=-mod=readonly \
    go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$OUT/versitygw" github.com/versity/versitygw/cmd/versitygw
  mkdir -p "$OUT/buckets/backups"
}

main "$@" </dev/null

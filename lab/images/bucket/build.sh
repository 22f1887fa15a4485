#!/usr/bin/env bash
# Builds the static program into OUT, which becomes ./out of the build context.
# Input: OUT, an existing folder.
set -euo pipefail

main() {
  : "${OUT:?set OUT to the folder that the program is built into}"
  cd "$(dirname "${BASH_SOURCE[0]}")"
  CGO_ENABLED=0 GOOS=linux GOFLAGS=-mod=readonly \
    go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$OUT/bucket" .
}

main "$@" </dev/null

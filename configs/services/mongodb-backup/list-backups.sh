#!/usr/bin/env bash
# One manifest a line, oldest first.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local file
  for file in "$BACKUPS"/[0-9]*/manifest.json; do
    [[ ! -f $file ]] || cat "$file"
  done
}

main "$@" </dev/null

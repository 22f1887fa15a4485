#!/usr/bin/env bash
# Says who holds the run lock of this host: `free`, or `held <now>`, `<pid> <since>` and the claim.
set -euo pipefail

readonly FILE=${LOCK_FILE:-/run/lock/platform-beta-run}

main() {
  # Asked with a shared lock, so that two who ask don't see each other.
  if [[ ! -e $FILE ]] || flock -n -s "$FILE" true; then
    echo free
    return
  fi
  printf 'held %s\n' "$(date +%s)"
  cat "$FILE"
}

main "$@" </dev/null

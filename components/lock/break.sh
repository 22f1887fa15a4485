#!/usr/bin/env bash
# Ends the session that holds the run lock of this host, if it is the run that the caller means.
# Arguments: the run's id. Says: `broken`, `free`, or `other` when another run has it.
set -euo pipefail

readonly FILE=${LOCK_FILE:-/run/lock/platform-beta-run}

is_free() { flock -n -s "$FILE" true; }

main() {
  local pid since claim tries=50
  if [[ ! -e $FILE ]] || is_free; then
    echo free
    return
  fi
  { read -r pid since && read -r claim; } <"$FILE"
  if [[ $claim != *"\"run\": \"$1\""* ]]; then
    echo other
    return
  fi
  kill "$pid"
  until is_free; do
    if ((tries-- == 0)); then
      printf '%s: process %s holds the run lock since %s and does not end; kill -9 it there\n' "$(hostname)" "$pid" "$since" >&2
      return 1
    fi
    sleep 0.1
  done
  echo broken
}

main "$@" </dev/null

#!/usr/bin/env bash
# Waits on a manager until services that an interrupted run left rolling are at rest: converged, or failing.
# Inputs: SERVICES (names, by spaces), TIMEOUT_S (for all of them together).
# Result: `<name> rests` or `<name> <tasks and update state>` for one that still rolls when the time is up.
set -euo pipefail

# state NAME: `2/3 updating`; nothing when there is no such service.
state() {
  docker service ls --filter "name=$1" --format '{{.Name}} {{.Replicas}}' | awk -v name="$1" '$1 == name { print $2 }' |
    while read -r tasks; do
      printf '%s %s\n' "$tasks" "$(docker service inspect --format '{{with .UpdateStatus}}{{.State}}{{end}}' "$1")"
    done
}

failures() { docker service ps --format '{{.CurrentState}}' "$1" | grep -cE '^(Failed|Rejected)' || true; }

rests() {
  local tasks update
  read -r tasks update < <(state "$1") || return 0
  if [[ $update == updating || $update == rollback_started ]]; then return 1; fi
  [[ ${tasks%/*} == "${tasks#*/}" ]] || (($(failures "$1") > 2))
}

main() {
  local name deadline=$((SECONDS + TIMEOUT_S))
  for name in $SERVICES; do
    until rests "$name"; do
      if ((SECONDS >= deadline)); then
        printf '%s %s\n' "$name" "$(state "$name")"
        continue 2
      fi
      sleep 1
    done
    printf '%s rests\n' "$name"
  done
}

main "$@" </dev/null

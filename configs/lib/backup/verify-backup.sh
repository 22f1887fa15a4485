#!/usr/bin/env bash
# Proves a backup again. Usage: verify-backup.sh ID; prints `ID proven`.
. "${BASH_SOURCE[0]%/*}/lib.sh"

main() {
  local code=0 folder=$STORE/${1:-}
  own_group "$@"
  known_backup "${1:-}"
  begin_run verify
  log "backup $1: compares its files, restores it into a scratch server"
  prove "$folder" || code=$?
  ((code != 3)) || fail 1 "backup $1 could not be proven: $WHY; its state is still $(state_of "$folder")"
  if ((code)); then set_state "$folder" bad "$WHY" && fail 1 "backup $1 is bad: $WHY"; fi
  set_state "$folder" proven
  echo "$1 proven"
}

main "$@" </dev/null

#!/bin/sh
# shellcheck shell=dash
# PID 1: every BUCKET_EVERY_S seconds whatever is new. A failure is logged, and tried again at the next turn.
LIBRARY=$(dirname "$0")
. "$LIBRARY/lib.sh"

main() {
  local next=0 folder
  configure
  trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM INT
  log "to $BUCKET_ENDPOINT $BUCKET_NAME/${BUCKET_PREFIX:-}, of: $(cd "$BACKUPS" && echo *)"
  while true; do
    touch "$WORK/alive"
    if [ "$(date +%s)" -ge "$next" ]; then
      for folder in "$BACKUPS"/*/; do meanwhile "$LIBRARY/copy-backups.sh" "$(basename "$folder")"; done
      next=$(($(date +%s) + BUCKET_EVERY_S))
    fi
    sleep 2 &
    wait $!
  done
}

# meanwhile COMMAND…: runs it, signing in all along.
meanwhile() {
  sh "$@" &
  local job=$!
  while kill -0 "$job" 2>/dev/null; do
    touch "$WORK/alive"
    sleep 1 &
    wait $!
  done
  wait "$job" || true
}

main </dev/null

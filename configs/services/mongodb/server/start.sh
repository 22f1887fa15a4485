#!/usr/bin/env bash
# PID 1 of a member: mongod, and beside it the agent that configures the replica set, once per start.
# On TERM a primary hands over first, so that the writer's gap is an election and not a timeout.
set -euo pipefail

readonly HERE=/etc/mongodb
readonly STEP_DOWN_LIMIT_S=15 # of the grace_s in service.yaml; mongod's own shutdown has the rest

main() {
  mongod --config "$HERE/mongod.conf" &
  MONGOD=$!
  trap 'stop' TERM INT
  configure &
  AGENT=$!
  wait_for_mongod
}

# The agent ends when the set is as declared; it is started again only if it failed.
configure() {
  until shell "$HERE/agent.js"; do
    log "the agent failed (above); it starts again in 5 s"
    sleep 5
  done
}

shell() { mongosh --nodb --norc --quiet "$1"; }

# shellcheck disable=SC2317  # the trap calls it
stop() {
  trap '' TERM INT
  kill -TERM "$AGENT" 2>/dev/null || true
  timeout "$STEP_DOWN_LIMIT_S" mongosh --nodb --norc --quiet "$HERE/step-down.js" ||
    log "no hand-over (above); the others elect when they miss this member"
  kill -TERM "$MONGOD" 2>/dev/null || true
}

# `wait` returns early when a signal is handled; mongod's own exit code is this container's.
wait_for_mongod() {
  local code=0
  while kill -0 "$MONGOD" 2>/dev/null; do
    code=0
    wait "$MONGOD" || code=$?
  done
  exit "$code"
}

log() { printf 'start.sh: %s\n' "$*" >&2; }

main "$@" </dev/null

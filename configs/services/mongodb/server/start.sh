#!/usr/bin/env bash
# PID 1 of a member: mongod, and beside it the agent that configures the replica set, once per start.
# TERM is passed on: a primary steps down by itself before it ends, so that the writer's gap is an election and not a
# timeout. https://www.mongodb.com/docs/manual/reference/command/shutdown/
set -euo pipefail

main() {
  local mongod code=0
  mongod --config /etc/mongodb/mongod.conf &
  mongod=$!
  # shellcheck disable=SC2064  # expand now: it is local
  trap "kill -TERM $mongod || true" TERM INT
  configure &
  # `wait` returns early when a signal is handled; mongod's own exit code is this container's.
  while kill -0 "$mongod" 2>/dev/null; do
    code=0
    wait "$mongod" || code=$?
  done
  exit "$code"
}

# configure: the agent ends when the set is as declared; it is started again only if it failed.
configure() {
  until mongosh --nodb --norc --quiet /etc/mongodb/agent.js; do
    printf 'start.sh: the agent failed (above); it starts again in 5 s\n' >&2
    sleep 5
  done
}

main "$@" </dev/null

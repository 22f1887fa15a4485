#!/usr/bin/env bash
# Reads the swarm on a manager, as one JSON object a line with its kind before it; writes nothing.
set -euo pipefail

main() {
  docker node ls --format 'node {{json .}}'
  docker service ls --format 'service {{json .}}'
  local ids
  ids=$(docker service ls --quiet)
  # shellcheck disable=SC2086  # ids are words
  [ -z "$ids" ] || docker service ps --no-trunc --format 'task {{json .}}' $ids
}

main "$@" </dev/null

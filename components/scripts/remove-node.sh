#!/usr/bin/env bash
# Takes a node that has left, or is lost, off the swarm's list. Runs on a manager.
# Inputs: NODE_NAME.
# Result: removed <node name>
set -euo pipefail

entries() { docker node ls --format '{{.ID}} {{.Hostname}}' | awk -v name="$NODE_NAME" '$2 == name {print $1}'; }

main() {
  local id
  need NODE_NAME
  if ! read_host || [[ ${HOST[manager]} != true ]]; then
    log "$(hostname): manages no swarm any more; $NODE_NAME is on no list"
  elif [[ ${HOST[name]} != "$NODE_NAME" ]]; then
    for id in $(entries); do
      drop_node "$id" || fail "$NODE_NAME" "stays on the swarm's list" "see 'docker node ls'"
      log "$NODE_NAME: off the swarm's list"
    done
  fi
  printf 'removed %s\n' "$NODE_NAME"
}

main "$@" </dev/null

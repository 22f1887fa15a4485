#!/usr/bin/env bash
# The swarm's nodes by host name and state, on a manager; `no-swarm` on a host that is none.
set -euo pipefail

main() {
  local state
  state=$(swarm_state)
  if [[ $state != "active true" ]]; then
    echo "no-swarm $state"
    return
  fi
  docker node ls --format '{{.Hostname}} {{.Status}}'
}

main "$@" </dev/null

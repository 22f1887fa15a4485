#!/usr/bin/env bash
# Removes secrets of the swarm by name, on a manager.
# Inputs: NAMES (by spaces).
# Result: `removed <name>` for each.
set -euo pipefail

main() {
  local name
  for name in $NAMES; do
    docker secret rm "$name" >/dev/null
    printf 'removed %s\n' "$name"
  done
}

main "$@" </dev/null

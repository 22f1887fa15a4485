#!/usr/bin/env bash
# Prints the swarm's join token, and nothing else. Runs on a manager.
# Inputs: ROLE (manager|worker).
set -euo pipefail

main() {
  need ROLE
  [[ $ROLE == manager || $ROLE == worker ]] || fail "input ROLE" "is neither manager nor worker" "correct the node's role"
  docker swarm join-token --quiet "$ROLE" || fail "$(hostname)" "gives no join token" \
    "see above, that it is a manager, and that more than half of the managers are up: docker node ls"
}

main "$@" </dev/null

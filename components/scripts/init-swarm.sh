#!/usr/bin/env bash
# Makes this host the first manager of a new swarm, or finds that it is a manager already.
# Inputs: NODE_NAME (the host's own name), ADVERTISE_ADDRESS (address the other nodes reach it at).
# Result: swarm <cluster id>
set -euo pipefail

check_existing() {
  [[ ${HOST[manager]} == true ]] || fail "$NODE_NAME" "is a worker of a swarm already" \
    "take it out with 'docker swarm leave' on $NODE_NAME, or correct the list of nodes"
  [[ ${HOST[address]} == "$ADVERTISE_ADDRESS" ]] || fail "$NODE_NAME" \
    "is manager of a swarm at ${HOST[address]}, not at $ADVERTISE_ADDRESS" \
    "correct the node's address, or give that swarm up with 'docker swarm leave --force' on $NODE_NAME"
}

# `docker swarm init` prints a join token: its stdout goes nowhere.
make_swarm() {
  log "$NODE_NAME: makes a swarm"
  docker swarm init --advertise-addr "$ADVERTISE_ADDRESS" >/dev/null || fail "$NODE_NAME" \
    "Docker could not make a swarm at $ADVERTISE_ADDRESS" "see above, and that the address is the host's own: ip address"
  wait_for 30 swarm_is active manager || fail "$NODE_NAME" "is no manager after 30 s: ${HOST[state]} ${HOST[error]}" \
    "see: journalctl -u docker"
}

main() {
  need NODE_NAME ADVERTISE_ADDRESS
  one_at_a_time swarm 120
  need_host
  need_name
  wait_for 30 swarm_settled || log "$NODE_NAME: the swarm's state stays pending"
  case ${HOST[state]} in
    active) check_existing ;;
    locked) fail "$NODE_NAME" "its swarm is locked" "run 'docker swarm unlock' on it" ;;
    inactive) make_swarm ;;
    *)
      forget_half_made
      make_swarm
      ;;
  esac
  printf 'swarm %s\n' "${HOST[cluster]}"
}

main "$@" </dev/null

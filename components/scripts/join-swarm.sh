#!/usr/bin/env bash
# Makes this host a node of the swarm, or its first manager, or finds that it is one already.
# Inputs: NODE_NAME (the host's own name), ROLE (manager|worker), ADVERTISE_ADDRESS (where the others reach it),
# INVITATION (what read-join-token.sh printed: "<token> <manager's address>", or "found -").
# Result: node <node id>
set -euo pipefail

readonly SOCKET=${DOCKER_SOCKET_FILE:-/var/run/docker.sock}

port_open() { timeout 3 bash -c "exec 3<>/dev/tcp/$MANAGER/2377" 2>/dev/null; }

check_existing() {
  [[ $TOKEN == found || "${HOST[managers]} " == *" $MANAGER:2377 "* ]] || fail "$NODE_NAME" \
    "is a node of another swarm, whose managers are${HOST[managers]}, not $MANAGER" \
    "take it out with 'docker swarm leave' on $NODE_NAME, or correct the list of nodes"
  [[ $TOKEN != found || ${HOST[manager]} == true ]] || fail "$NODE_NAME" "is a worker of a swarm already" \
    "take it out with 'docker swarm leave' on $NODE_NAME, or correct the list of nodes"
  [[ ${HOST[address]} == "$ADVERTISE_ADDRESS" ]] || fail "$NODE_NAME" \
    "is in the swarm as ${HOST[address]}, not as $ADVERTISE_ADDRESS" \
    "correct the node's address, or take it out with 'docker swarm leave' on $NODE_NAME and run again"
  if [[ $ROLE/${HOST[manager]} == manager/false || $ROLE/${HOST[manager]} == worker/true ]]; then
    log "$NODE_NAME: is not yet a $ROLE; set-node.sh changes roles"
  fi
}

# `docker swarm init` prints a join token: its stdout goes nowhere.
found() {
  log "$NODE_NAME: makes a swarm"
  docker swarm init --advertise-addr "$ADVERTISE_ADDRESS" >/dev/null || fail "$NODE_NAME" \
    "Docker could not make a swarm at $ADVERTISE_ADDRESS" "see above, and that the address is the host's own: ip address"
  wait_for 30 swarm_is active manager || fail "$NODE_NAME" "is no manager after 30 s: ${HOST[state]} ${HOST[error]}" \
    "see: journalctl -u docker"
}

ask_engine() { curl -sS --max-time 60 --unix-socket "$SOCKET" "$@"; }

# Every engine refuses some versions of its API, so the engine itself says which: the newest that it serves. 1 without one.
# https://docs.docker.com/reference/api/engine/latest/#tag/System/operation/SystemPing
api_version() { ask_engine -o /dev/null -D - http://docker/_ping | tr -d '\r' | sed -nE 's/^api-version: *([0-9.]+)$/\1/Ip' | grep .; }

# The Engine API, since the docker client takes the token only in argv, where every user could read it.
# https://docs.docker.com/reference/api/engine/latest/#tag/Swarm/operation/SwarmJoin
request_join() {
  local version
  if version=$(api_version); then
    printf '{"ListenAddr":"0.0.0.0:2377","AdvertiseAddr":"%s","RemoteAddrs":["%s:2377"],"JoinToken":"%s"}' \
      "$ADVERTISE_ADDRESS" "$MANAGER" "$TOKEN" |
      ask_engine -H 'Content-Type: application/json' -d @- "http://docker/v$version/swarm/join"
  else
    echo "the engine at $SOCKET names no version of its API"
  fi
}

join() {
  local answer
  wait_for 30 port_open || fail "$NODE_NAME" "$MANAGER:2377 does not answer" \
    "see that this manager is up and that the firewalls between let 2377/tcp through"
  log "$NODE_NAME: joins the swarm of $MANAGER"
  answer=$(request_join 2>&1) || true
  if wait_for 60 swarm_settled && [[ ${HOST[state]} == active ]]; then return; fi
  answer=${answer//"$TOKEN"/<token>}
  fail "$NODE_NAME" "could not join the swarm of $MANAGER: $answer ${HOST[state]} ${HOST[error]}" \
    "see that 2377/tcp and 7946 are open both ways, that the clocks agree, and: journalctl -u docker"
}

enter() { if [[ $TOKEN == found ]]; then found; else join; fi; }

main() {
  need NODE_NAME ROLE ADVERTISE_ADDRESS INVITATION
  read -r TOKEN MANAGER <<<"$INVITATION"
  [[ $TOKEN == found || $TOKEN =~ ^SWMTKN-[0-9A-Za-z-]+$ ]] || fail "input INVITATION" "holds no join token" \
    "take it from read-join-token.sh"
  one_at_a_time swarm 150
  need_host
  need_name
  wait_for 30 swarm_settled || log "$NODE_NAME: the swarm's state stays pending"
  case ${HOST[state]} in
    active) check_existing ;;
    locked) fail "$NODE_NAME" "its swarm is locked" "run 'docker swarm unlock' on it" ;;
    inactive) enter ;;
    *)
      forget_half_made
      enter
      ;;
  esac
  printf 'node %s\n' "${HOST[node_id]}"
}

main "$@" </dev/null

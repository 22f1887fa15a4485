#!/usr/bin/env bash
# Prints what NODE_NAME joins the swarm with: "<token> <address of this manager>"; "found -" where this very host is to
# found a swarm. Runs on a manager, or on the first one to be.
# Inputs: NODE_NAME, ROLE (manager|worker). Arguments: ids of NODE_NAME's former selves, if it was seen without its swarm;
# they go first. The state keeps the last command, so later they are told again and found no more.
set -euo pipefail

# read_former ID…: lines "id state" of those that the swarm still lists, into FORMER.
read_former() {
  local all
  all=$(docker node ls --format '{{.ID}} {{.Hostname}} {{.Status}}') || return
  FORMER=$(awk -v name="$NODE_NAME" -v ids=" $* " '$2 == name && index(ids, " " $1 " ") {print $1, $3}' <<<"$all")
}

are_down() { read_former "$@" && [[ $FORMER != *' Ready'* ]]; }

# A former manager keeps its vote: with it three managers are four once the host is back, and one of them is dead.
forget_former_selves() {
  local id
  # Swarm takes up to 20 s to miss a node that vanished.
  if ! wait_for 40 are_down "$@"; then
    log "$NODE_NAME: this swarm has it Ready, so nothing of it is removed"
    return
  fi
  while read -r id _; do
    [[ -n $id ]] || continue
    log "$NODE_NAME: removes its former self $id"
    drop_node "$id" || fail "$NODE_NAME" "its former self $id stays" "see 'docker node ls'"
  done <<<"$FORMER"
}

main() {
  local token
  need NODE_NAME ROLE
  [[ $ROLE == manager || $ROLE == worker ]] || fail "input ROLE" "is neither manager nor worker" "correct the node's role"
  need_host
  if [[ ${HOST[state]} != active && ${HOST[name]} == "$NODE_NAME" && $ROLE == manager ]]; then
    echo 'found -'
    return
  fi
  need_manager
  if (($#)); then forget_former_selves "$@"; fi
  token=$(docker swarm join-token --quiet "$ROLE") || fail "$(hostname)" "gives no join token" \
    "see above, and that more than half of the managers are up: docker node ls"
  printf '%s %s\n' "$token" "${HOST[address]}"
}

main "$@" </dev/null

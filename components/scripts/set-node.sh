#!/usr/bin/env bash
# Gives a node of the swarm its role, availability and exactly its labels. Runs on a manager.
# Inputs: NODE_NAME, ROLE (manager|worker), AVAILABILITY (active|pause|drain), LABELS (lines key=value, may be empty).
# Result: node <name> <node id> <role> <availability> <labels, sorted>
set -euo pipefail

# shellcheck disable=SC2016 # a Go template
readonly FORMAT='{{.Spec.Role}} {{.Spec.Availability}}{{println}}{{range $key, $value := .Spec.Labels}}{{$key}}={{$value}}{{println}}{{end}}'

# read_nodes: lines "id state" of the nodes with exactly this name, into NODES. A host that was made anew leaves its
# former self behind as Down.
read_nodes() {
  local all
  all=$(docker node ls --format '{{.ID}} {{.Hostname}} {{.Status}}') || fail "$(hostname)" "could not list the swarm's nodes" \
    "see above, that this host is a manager, and that more than half of the managers are up"
  NODES=$(awk -v name="$NODE_NAME" '$2 == name {print $1, $3}' <<<"$all")
}

is_known() { read_nodes && [[ -n $NODES ]]; }

# A host that left and joined again is twice Ready, until the swarm misses the heartbeats of its former self (~20 s).
# A single one may be down: it can be drained all the same.
is_one() { (($(grep -c . <<<"$NODES") == 1)) || [[ $(grep -c ' Ready$' <<<"$NODES") == 1 ]]; }

becomes_one() { read_nodes && is_one; }

declared_labels() { grep -v '^[[:space:]]*$' <<<"${LABELS:-}" | LC_ALL=C sort || true; }

wanted() {
  printf '%s %s\n' "$ROLE" "$AVAILABILITY"
  declared_labels
}

current() { docker node inspect --format "$FORMAT" "$1" | sed '/^$/d' | LC_ALL=C sort; }

is_set() { [[ $(current "$1") == "$(wanted | LC_ALL=C sort)" ]]; }

# One request for all differences: the node is never seen with half of them.
update() {
  local id=$1 line declared arguments=(--role "$ROLE" --availability "$AVAILABILITY")
  declared=$(declared_labels)
  while read -r line; do
    [[ $'\n'$declared == *$'\n'"${line%%=*}="* ]] || arguments+=(--label-rm "${line%%=*}")
  done < <(current "$id" | grep '=')
  while read -r line; do
    [[ -z $line ]] || arguments+=(--label-add "$line")
  done <<<"$declared"
  docker node update "${arguments[@]}" "$id" >/dev/null
}

# Roles change some seconds after they are told to; the next change of a manager must not begin before.
role_holds() {
  local status
  status=$(docker node ls --format '{{.ID}} {{.ManagerStatus}}' | awk -v id="$1" '$1 == id {print $2}')
  if [[ $ROLE == worker ]]; then [[ -z $status ]]; else [[ $status == Leader || $status == Reachable ]]; fi
}

# A demoted manager that went down before it had its new certificate comes back as a manager and votes again, though the
# swarm has it as a worker; only a change of role makes Swarm look at it.
take_vote() {
  log "$NODE_NAME: is a worker that still has a manager's vote; is promoted and demoted to take it"
  docker node promote "$1" >/dev/null
  docker node demote "$1" >/dev/null
}

await_role() {
  wait_for 20 role_holds "$1" && return
  if [[ $ROLE == worker ]]; then take_vote "$1"; fi
  wait_for 60 role_holds "$1" || fail "$NODE_NAME" "is not yet $ROLE after 80 s" "see 'docker node ls' and 'journalctl -u docker' on it"
}

# Others may change the node at the same moment ("update out of sequence"): the next try sees their change. And where one
# manager has just become two, nothing is decided before the second has caught up ("deadline exceeded").
updated() { is_set "$1" || { update "$1" && is_set "$1"; }; }

# A former self may only go while the new one is Ready; as manager it would count for the quorum.
forget_former_selves() {
  local id state
  while read -r id state; do
    if [[ $state != Down ]]; then continue; fi
    log "$NODE_NAME: removes its former self $id"
    drop_node "$id" || log "$NODE_NAME: $id stays, see 'docker node ls'"
  done <<<"$NODES"
}

main() {
  local id state
  need NODE_NAME ROLE AVAILABILITY
  wait_for 10 is_known || fail "$NODE_NAME" "is no node of this swarm" \
    "join it first; if it takes itself for one, run 'docker swarm leave --force' on it"
  is_one || wait_for 60 becomes_one || fail "$NODE_NAME" "is not Ready exactly once after 60 s but: $(paste -sd, <<<"$NODES")" \
    "see 'journalctl -u docker' on $NODE_NAME; if two hosts have this name, give one another: hostnamectl set-hostname"
  read -r id state < <(sort -k2,2r <<<"$NODES")
  if [[ $state == Ready ]]; then forget_former_selves; fi
  wait_for 60 updated "$id" || fail "$NODE_NAME" "does not take $(wanted | paste -sd' ')" \
    "see above, and that the swarm keeps its quorum: docker node ls"
  if [[ $state == Ready || $ROLE == worker ]]; then await_role "$id"; fi
  printf 'node %s %s %s\n' "$NODE_NAME" "$id" "$(wanted | paste -sd' ')"
}

main "$@" </dev/null

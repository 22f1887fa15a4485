#!/usr/bin/env bash
# Empties a node that leaves: drained, its tasks running elsewhere, no manager any more. Runs on a manager.
# Inputs: NODE_NAME, MOVE_TIMEOUT_S (how long its tasks may take to run elsewhere).
# Result: retired <node name>
set -euo pipefail

# "id state manager-status" of the node; empty when the swarm doesn't have it.
find_node() { docker node ls --format '{{.ID}} {{.Hostname}} {{.Status}} {{.ManagerStatus}}' | awk -v name="$NODE_NAME" '$2 == name {print $1, $3, $4; exit}'; }

running_on() { docker node ps "$1" --filter desired-state=running --format '{{.Name}}' 2>/dev/null; }

# Services whose tasks ran here and that are not at full strength elsewhere yet: lines "name 1/2". A global service
# counts its nodes anew by itself.
short_of_tasks() {
  local service
  for service in $SERVICES; do
    docker service ls --filter "name=$service" --format '{{.Name}} {{.Replicas}}' |
      awk -v name="$service" '$1 == name {split($2, n, "/"); if (n[1] < n[2]) print $1, $2}'
  done
}

is_empty() { [[ -z $(running_on "$ID") && -z $(short_of_tasks) ]]; }

move_tasks() {
  SERVICES=$(docker node ps "$ID" --filter desired-state=running --format '{{.Name}}' | sed 's/\.[^.]*$//' | sort -u)
  docker node update --availability drain "$ID" >/dev/null
  if [[ -z $SERVICES ]]; then return; fi
  log "$NODE_NAME: drained; waits until $(paste -sd' ' <<<"$SERVICES") runs elsewhere"
  wait_for "$MOVE_TIMEOUT_S" is_empty || fail "$NODE_NAME" \
    "after $MOVE_TIMEOUT_S s not everything runs elsewhere: $( (short_of_tasks; running_on "$ID") | paste -sd,)" \
    "label another node for it or lower its replicas, then run again; the node stays drained"
}

# A majority of the other managers must be up, or nobody could manage the swarm without this one.
check_quorum() {
  local others reachable
  others=$(docker node ls --filter role=manager --format '{{.Hostname}} {{.ManagerStatus}}' | awk -v name="$NODE_NAME" '$1 != name && NF > 1 {print $2}')
  if [[ -z $others ]]; then
    log "$NODE_NAME: is the last manager; the swarm ends with it"
    printf 'retired %s\n' "$NODE_NAME"
    exit 0
  fi
  reachable=$(grep -cE '^(Leader|Reachable)$' <<<"$others" || true)
  ((reachable * 2 > $(wc -l <<<"$others"))) || fail "$NODE_NAME" \
    "only $reachable of the other managers answer, without it the swarm would lose its quorum" \
    "bring them back or remove them, then run again"
}

# Its engine takes itself for a manager for some seconds more.
step_down() {
  log "$NODE_NAME: is no manager any more"
  docker node demote "$ID" >/dev/null
  if [[ $STATE == Ready ]]; then wait_for 30 is_worker || log "$NODE_NAME: still counts as a manager after 30 s"; fi
}

is_worker() { [[ -z $(find_node | awk '{print $3}') ]]; }

main() {
  local status
  need NODE_NAME MOVE_TIMEOUT_S
  need_host
  if [[ ${HOST[manager]} != true ]]; then
    log "${HOST[name]}: manages no swarm any more; nothing to retire"
  else
    read -r ID STATE status < <(find_node; echo)
    if [[ -n $status ]]; then check_quorum; fi
    if [[ $STATE == Ready ]]; then move_tasks; fi
    if [[ -n $status ]]; then step_down; fi
  fi
  printf 'retired %s\n' "$NODE_NAME"
}

main "$@" </dev/null

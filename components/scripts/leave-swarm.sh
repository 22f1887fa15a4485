#!/usr/bin/env bash
# Takes this host out of its swarm. Volumes, images and the engine stay.
# Before that it waits until no task's container runs here: each has the grace that its service declares.
# Inputs: NODE_NAME, ROLE (what it was declared as; the host's own state decides).
# Result: left <node name>
set -euo pipefail

readonly LONGEST_GRACE_S=600 # components/declaration.py: the most that a service may declare

is_worker() { read_host && [[ ${HOST[manager]} == false ]]; }

engine_answers() { timeout 20 docker info >/dev/null 2>&1 && read_host; }

running_tasks() { timeout 20 docker ps --filter label=com.docker.swarm.task.id --format '{{.Names}}'; }

has_no_tasks() { local names; names=$(running_tasks) && [[ -z $names ]]; }

# Without a quorum, or outside a swarm that accepts this node, its tasks run on. A worker is not told of a lost quorum.
somebody_ends_them() {
  [[ ${HOST[state]} == active ]] && { [[ ${HOST[manager]} == false ]] || timeout 20 docker node ls --quiet >/dev/null 2>&1; }
}

# Swarm does not write a task's grace into its container: an engine that leaves the swarm gives it 10 s.
await_tasks() {
  if has_no_tasks; then return; fi
  if ! somebody_ends_them; then
    log "$NODE_NAME: the swarm can't be told to end $(running_tasks | paste -sd' '); leaves all the same"
    return
  fi
  log "$NODE_NAME: waits until $(running_tasks | paste -sd' ') ended"
  wait_for "$LONGEST_GRACE_S" has_no_tasks || log "$NODE_NAME: still runs $(running_tasks | paste -sd' '); leaves all the same"
}

# Demotes this manager when others remain. A majority of them must be reachable, or nobody could manage the swarm.
step_down() {
  local managers others reachable
  if ! managers=$(timeout 20 docker node ls --filter role=manager --format '{{.Self}} {{.ManagerStatus}}'); then
    log "$NODE_NAME: the swarm has no quorum to ask; leaves by force"
    return
  fi
  # One without a status was demoted and is listed until its role catches up: it holds no vote.
  others=$(grep -cE '^false .' <<<"$managers" || true)
  reachable=$(grep -cE '^false (Leader|Reachable)' <<<"$managers" || true)
  if ((others == 0)); then
    log "$NODE_NAME: is the last manager; the swarm ends"
    return
  fi
  ((reachable * 2 > others)) || fail "$NODE_NAME" \
    "only $reachable of the other $others managers are reachable, the swarm would lose its quorum" \
    "bring them back or remove them ('docker node demote' and 'docker node rm --force'), then run again"
  timeout 20 docker node demote "${HOST[node_id]}" >&2 || log "$NODE_NAME: could not be demoted"
  wait_for 20 is_worker || log "$NODE_NAME: is still a manager after 20 s; leaves by force"
}

main() {
  need NODE_NAME
  one_at_a_time swarm 60
  if engine_answers && [[ ${HOST[state]} != inactive ]]; then
    await_tasks
    if [[ ${HOST[manager]} == true ]]; then step_down; fi
    if [[ ${HOST[manager]} == true ]]; then
      timeout 40 docker swarm leave --force >&2 || true
    else
      timeout 40 docker swarm leave >&2 || timeout 20 docker swarm leave --force >&2 || true
    fi
    wait_for 10 swarm_is inactive || fail "$NODE_NAME" "is still in the swarm (${HOST[state]})" \
      "run 'systemctl restart docker && docker swarm leave --force' on it"
  else
    log "$NODE_NAME: is in no swarm, or its engine is down"
  fi
  printf 'left %s\n' "$NODE_NAME"
}

main "$@" </dev/null

#!/usr/bin/env bash
# Lists on a manager the networks, services, configs and secrets of the swarm.
# Inputs: LABEL (the label that names the stack which made an object).
# Result: `no-swarm <state>`, or one line per object: `<kind> <id> <name> <stack or -> <ids of what it uses, by commas, or ->`.
set -euo pipefail

# Only services name what they use: networks, configs, secrets.
services() {
  local ids uses
  ids=$(docker service ls --quiet)
  if [[ -z $ids ]]; then return; fi
  uses='{{range .Spec.TaskTemplate.Networks}}{{.Target}},{{end}}'
  uses+='{{with .Spec.TaskTemplate.ContainerSpec}}{{range .Configs}}{{.ConfigID}},{{end}}{{range .Secrets}}{{.SecretID}},{{end}}{{end}}'
  # shellcheck disable=SC2086  # ids are words
  docker service inspect $ids --format "service|{{.ID}}|{{.Spec.Name}}|{{index .Spec.Labels \"$LABEL\"}}|$uses"
}

main() {
  local state
  state=$(swarm_state)
  if [[ $state != "active true" ]]; then
    echo "no-swarm $state"
    return
  fi
  {
    services
    docker network ls --no-trunc --filter scope=swarm --format "network|{{.ID}}|{{.Name}}|{{.Label \"$LABEL\"}}|"
    docker config ls --format 'config|{{.ID}}|{{.Name}}||'
    docker secret ls --format 'secret|{{.ID}}|{{.Name}}||'
  } | awk -F'|' '{ print $1, $2, $3, ($4 == "" ? "-" : $4), ($5 == "" ? "-" : $5) }'
}

main "$@" </dev/null

#!/usr/bin/env bash
# Looks up objects of the swarm by kind and exact name, on a manager; removes unused secrets that are named for it.
# Inputs: WANTED, REMOVED: lines `kind name` (network, service, config, secret; REMOVED: secrets only).
# Result: `no-swarm`, or per object that exists `found <kind> <name> <id> <services that use it, by commas>`.
set -euo pipefail

# names KIND: all that exist. Asked first, so that "not there" and "could not be asked" can't be confused.
names() {
  case $1 in
    network) docker network ls --filter scope=swarm --format '{{.Name}}' ;;
    *) docker "$1" ls --format '{{.Name}}' ;;
  esac
}

# users KIND ID: services that mount a secret or config.
users() {
  local field=Secrets key=SecretID ids
  if [[ $1 == config ]]; then field=Configs key=ConfigID; fi
  ids=$(docker service ls --quiet)
  if [[ $1 != secret && $1 != config || -z $ids ]]; then return; fi
  # shellcheck disable=SC2086  # ids are words
  docker service inspect $ids --format "{{.Spec.Name}}{{range .Spec.TaskTemplate.ContainerSpec.$field}} {{.$key}}{{end}}" |
    awk -v id="$2" '{ for (i = 2; i <= NF; i++) if ($i == id) { printf "%s%s", sep, $1; sep = ","; break } }'
}

find_one() {
  local kind=$1 name=$2 all id format='{{.ID}}'
  if [[ $kind == network ]]; then format='{{.Id}}'; fi
  all=$(names "$kind")
  if grep -qxF -- "$name" <<<"$all"; then
    id=$(docker "$kind" inspect --format "$format" "$name")
    printf 'found %s %s %s %s\n' "$kind" "$name" "$id" "$(users "$kind" "$id")"
  fi
}

main() {
  local state kind name
  if ! command -v docker >/dev/null; then state=inactive; else
    state=$(docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}')
  fi
  if [[ $state != "active true" ]]; then
    echo "no-swarm $state"
    return
  fi
  while read -r kind name; do
    if [[ -n $kind ]]; then docker secret rm "$name" >/dev/null; fi
  done <<<"$REMOVED"
  while read -r kind name; do
    if [[ -n $kind ]]; then find_one "$kind" "$name"; fi
  done <<<"$WANTED"
}

main "$@" </dev/null

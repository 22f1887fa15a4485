#!/usr/bin/env bash
# ProxyCommand of the Docker provider's ssh: connects to a manager whose swarm has a leader, whichever that is, so that
# the provider's inputs stay the same while any manager lives. Runs where Pulumi runs. A manager that is in another swarm
# is not asked: a refresh by way of it would take everything for deleted. It is outvoted, or alone in its swarm.
# Usage: dial-manager.sh USER PORT ADDRESS… -- SSH-OPTION…      https://man.openbsd.org/ssh_config#ProxyCommand
# The choice is kept for KEPT_S seconds: a refresh opens dozens of connections.
set -euo pipefail

readonly KEPT_S=2 TIMEOUT_S=5

# ask ADDRESS: "<id of its swarm> <address>" when its engine manages; why not to stderr otherwise.
ask() {
  local said sudo=()
  if [[ $USER_NAME != root ]]; then sudo=(sudo -n); fi
  said=$(ssh "${OPTIONS[@]}" -o ConnectTimeout=$TIMEOUT_S -p "$PORT" "$USER_NAME@$1" \
    "${sudo[@]}" docker info --format "'{{.Swarm.ControlAvailable}} {{.Swarm.Nodes}} {{with .Swarm.Cluster}}{{.ID}}{{end}}'" 2>&1 </dev/null) || true
  case $said in
    "true 1 "?*) if ((${#ADDRESSES[@]} == 1)); then echo "${said##* } $1"; else echo "$1: is alone in a swarm" >&2; fi ;;
    "true "*" "?*) echo "${said##* } $1" ;;
    "true "*) echo "$1: is a manager of a swarm that has no leader" >&2 ;;
    false*) echo "$1: manages no swarm" >&2 ;;
    # What the client says of an engine that is stopped: its template has nothing to fill in.
    *"executing"*.Swarm* | *"Cannot connect to the Docker daemon"*) echo "$1: its Docker Engine does not answer" >&2 ;;
    *) echo "$1: ${said##*$'\n'}" >&2 ;;
  esac
}

# The swarm of more than half of the managers, at once: one that is dead must not cost the seconds until it is given up.
# Fewer, when all have answered or had their time: the swarm that most of those are in.
choose() {
  local id address best='' most=0
  declare -A votes=() first=()
  while read -r id address; do
    : "${first[$id]:=$address}"
    votes[$id]=$((${votes[$id]:-0} + 1))
    if ((votes[$id] * 2 > ${#ADDRESSES[@]})); then
      echo "$address"
      return
    fi
  done < <(
    exec 9>&-
    for address in "${ADDRESSES[@]}"; do ask "$address" & done
    wait
  )
  for id in "${!votes[@]}"; do
    if ((votes[$id] > most)); then
      best=${first[$id]} most=${votes[$id]}
    elif ((votes[$id] == most)); then
      best=''
    fi
  done
  if [[ -z $best && ${#votes[@]} -gt 1 ]]; then echo "managers are in different swarms: ${first[*]}" >&2; fi
  echo "$best"
}

chosen() {
  local file found
  file=${XDG_RUNTIME_DIR:-/tmp}/platform-beta-$UID-$(cksum <<<"$USER_NAME $PORT ${ADDRESSES[*]}" | cut -d' ' -f1)
  exec 9>"$file.lock"
  flock 9
  if [[ ! -O $file || ! -s $file || $(($(date +%s) - $(stat -c %Y "$file"))) -ge $KEPT_S ]]; then
    found=$(choose) # not by a redirection: bash keeps our own output open beside it, in those that still ask
    echo "$found" >"$file.new"
    mv "$file.new" "$file"
  fi
  cat "$file"
}

main() {
  local address
  USER_NAME=$1 PORT=$2 ADDRESSES=()
  shift 2
  while [[ $1 != -- ]]; do
    ADDRESSES+=("$1")
    shift
  done
  OPTIONS=("${@:2}")
  address=$(chosen)
  if [[ -z $address ]]; then
    echo "no manager of ${ADDRESSES[*]} manages a swarm that has a leader" >&2
    exit 1
  fi
  exec 3<>"/dev/tcp/$address/$PORT"
  cat <&3 &
  cat >&3
  kill $! 2>/dev/null || true
}

main "$@"

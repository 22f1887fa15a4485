# shellcheck shell=bash
# Helpers of the questions to managers. A manager gets: preamble of inputs, this file, the script.

# swarm_state: `active true` on a manager. 1 when the engine does not answer: its client then prints empty fields, and
# that of Docker Engine 26 calls this a success.
swarm_state() {
  local state
  if ! PATH=$PATH:${SBIN_FOLDERS:-/usr/sbin:/sbin} type -P docker dockerd >/dev/null; then
    echo inactive
    return
  fi
  state=$(docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}')
  [[ $state == [a-z]* ]] || return 1
  printf '%s\n' "$state"
}

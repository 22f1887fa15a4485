# shellcheck shell=bash
# Helpers of every script here. A host gets: preamble of inputs, this file, the script.

# log TEXT…: progress, to stderr; stdout is only for the line of result.
log() { printf '%s\n' "$*" >&2; }

# fail WHERE WHAT REMEDY: the last line of a script that gave up.
fail() {
  printf '%s: %s; %s\n' "$1" "$2" "$3" >&2
  exit 1
}

# need NAME…: every named input has a value.
need() {
  local name
  for name in "$@"; do
    [[ -n ${!name:-} ]] || fail "input $name" "is missing or empty" "assign it in the preamble of the script"
  done
}

# wait_for SECONDS COMMAND…: tries twice a second until the command succeeds; 1 when the time is up.
wait_for() {
  local deadline=$((SECONDS + $1)) tries=$(($1 * 2))
  shift
  until "$@"; do
    ((SECONDS < deadline && tries-- > 0)) || return 1
    sleep 0.5
  done
}

# one_at_a_time NAME SECONDS: waits for a run that an interrupted session left behind on this host.
one_at_a_time() {
  exec 9>"${LOCK_FOLDER:-/run/lock}/platform-beta-$1.lock"
  flock -w "$2" 9 || fail "$(hostname)" "another $1 has been running for over $2 s" "wait for it or end it, then run again"
}

# put_file PATH MODE TEXT: replaces the file in one step if it differs, with one newline at its end; 1 when there was
# nothing to do.
put_file() {
  local path=$1 mode=$2 text=${3%$'\n'} temporary
  if [[ -f $path && $(cat "$path"; echo .) == "$text"$'\n.' ]]; then return 1; fi
  # One condition: `set -e` is off inside a caller's `if`.
  if ! { mkdir -p "${path%/*}" && temporary=$(mktemp "$path.XXXXXX") && printf '%s\n' "$text" >"$temporary" &&
    chmod "$mode" "$temporary" && sync "$temporary" && mv -f "$temporary" "$path"; }; then
    fail "$(hostname)" "could not write $path" "see that its disk is writable and not full"
  fi
  log "wrote $path"
}

declare -A HOST=()

# read_host: what the local engine knows of itself, in one question, into HOST: name, root (Docker's folder), state
# (inactive|pending|active|error|locked), manager (true|false), node_id, address, cluster, history_limit,
# managers (" address:2377 …"), error. 1 when the engine doesn't answer.
read_host() {
  local line field fields=(name root state manager node_id address cluster history_limit managers error)
  line=$(docker info --format '{{.Name}}|{{.DockerRootDir}}|{{with .Swarm}}{{.LocalNodeState}}|{{.ControlAvailable}}|{{.NodeID}}|{{.NodeAddr}}|{{with .Cluster}}{{.ID}}|{{.Spec.Orchestration.TaskHistoryRetentionLimit}}{{else}}|{{end}}|{{range .RemoteManagers}} {{.Addr}}{{end}}|{{.Error}}{{end}}') &&
    [[ -n $line && $line != '|'* ]] || return 1
  for field in "${fields[@]}"; do
    HOST[$field]=${line%%|*}
    line=${line#*|}
  done
}

# need_host: read_host, or give up.
need_host() { read_host || fail "$(hostname)" "the Docker Engine does not answer" "see: journalctl -u docker"; }

# need_manager: this host manages a swarm.
need_manager() {
  need_host
  [[ ${HOST[manager]} == true ]] || fail "${HOST[name]}" "is no manager of a swarm (state ${HOST[state]} ${HOST[error]})" \
    "run init-swarm.sh here, or join-swarm.sh as manager"
}

# need_name: the host is called as the node is declared, since the swarm knows it by its own name.
need_name() {
  [[ ${HOST[name]} == "$NODE_NAME" ]] || fail "$NODE_NAME" "the host calls itself ${HOST[name]}" \
    "run 'hostnamectl set-hostname $NODE_NAME && systemctl restart docker' on it, or name the node ${HOST[name]}"
}

# swarm_is STATE [manager]: the state read anew.
swarm_is() { read_host && [[ ${HOST[state]} == "$1" && ( -z ${2:-} || ${HOST[manager]} == true ) ]]; }

# swarm_settled: no init or join is under way.
swarm_settled() { read_host && [[ ${HOST[state]} != pending ]]; }

# forget_half_made: an init or join that was cut off. Only a state that holds no cluster may be thrown away; a
# manager's has its raft log.
forget_half_made() {
  if [[ -d ${HOST[root]}/swarm/raft ]]; then
    fail "$NODE_NAME" "holds a swarm that does not start (${HOST[state]}): ${HOST[error]}" \
      "mend it, or give it up with 'docker swarm leave --force' on $NODE_NAME, then run again"
  fi
  log "$NODE_NAME: leaves a half-made swarm (${HOST[state]}): ${HOST[error]}"
  timeout 60 docker swarm leave --force >&2 || fail "$NODE_NAME" "could not leave it" "run 'systemctl restart docker' on it, then again"
}

# drop_node ID: takes a node that is gone off the swarm's list; 1 when it stays there. By force: one that has just left
# counts as Ready until it misses its heartbeats (~20 s). A manager keeps its vote until it is demoted.
drop_node() {
  docker node demote "$1" >/dev/null 2>&1 || true
  wait_for 15 docker node rm --force "$1" >/dev/null
}

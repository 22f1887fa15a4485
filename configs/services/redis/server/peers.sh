# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# The set's members and Sentinels asked by redis-cli; sourced, after member.sh and names.sh. A client is kept for each:
# a question starts no process, and a connect(2) or a read that hangs holds up nobody else. redis-cli reads commands
# line by line and connects again by itself. https://redis.io/docs/latest/develop/tools/cli/
#
#   open_clients FOLDER NAME…   once; FOLDER is in memory
#   ask NAME… -- COMMAND…       all at the same time; sets REPLY_OF[name] to the words of all replies; not set: none
#   own COMMAND…                of the server here; sets RESP, fails unless it was done
#
readonly REDIS_PORT=6379 SENTINEL_PORT=26379 END_OF_ANSWER=$'\1'
#: The name of the set, also in redis-sentinel/sentinel.conf.j2.
readonly MASTER_NAME=redis-master
#: ASK_AGAIN_MS: for one that did not answer before. HANGS_MS: after so long its client is begun anew.
readonly ANSWER_MS=2000 ASK_AGAIN_MS=300 HANGS_MS=3000
declare -A REPLY_OF=() CLIENT_PID=() TO_CLIENT=() FROM_CLIENT=() SILENT_MS=()
PEERS=() QUESTION=0

# Sets NOW_MS, by a clock that nobody sets. https://man7.org/linux/man-pages/man5/proc_uptime.5.html
now() {
  read -r NOW_MS _ </proc/uptime
  NOW_MS=$((10#${NOW_MS/./} * 10))
}

open_clients() {
  local name from
  trap '' PIPE # a client that is gone must not end the main shell
  for name in "${@:2}"; do
    rm -f "$1/client" && mkfifo -m 600 "$1/client" && exec {from}<>"$1/client" && rm "$1/client" || return
    FROM_CLIENT[$name]=$from
    open_client "$name"
  done
}

# open_client NAME: anew, if there was one.
open_client() {
  local to=${TO_CLIENT[$1]:-} from=${FROM_CLIENT[$1]} host=$1 port=$REDIS_PORT
  [[ $1 != *sentinel* ]] || port=$SENTINEL_PORT
  [[ $1 != "$HOSTNAME" ]] || host=127.0.0.1
  [[ -z $to ]] || { kill -KILL "${CLIENT_PID[$1]}" 2>/dev/null; exec {to}>&-; }
  secret redis_admin_password
  now
  exec {to}> >(REDISCLI_AUTH=$SECRET exec redis-cli --user admin --no-auth-warning -t 1 -h "$host" -p "$port" 1>&"$from" 2>/dev/null)
  CLIENT_PID[$1]=$! TO_CLIENT[$1]=$to SILENT_MS[$1]=$NOW_MS
}

ask() {
  local names=() name
  while [[ $1 != -- ]]; do names+=("$1") && shift; done
  shift
  REPLY_OF=()
  ((++QUESTION))
  now
  ASKED_MS=$NOW_MS
  for name in "${names[@]}"; do ask_client "$name" "$@"; done
  for name in "${names[@]}"; do hear_client "$name" || [[ $name == "$HOSTNAME" ]] || look_up_later; done
}

# A dead peer's address may be another's by now, so each says its name before it answers.
ask_client() {
  local name=$1 name_of='config get replica-announce-ip'
  shift
  [[ $name != *sentinel* ]] || name_of='sentinel config get announce-ip'
  ((ASKED_MS - ${SILENT_MS[$name]:-$ASKED_MS} <= HANGS_MS)) || open_client "$name"
  printf '%s\n' "$name_of" "$@" "ping \"$QUESTION\\x01\"" 1>&"${TO_CLIENT[$name]}" 2>/dev/null
}

# An answer to an earlier question is dropped.
hear_client() {
  local text wait_ms=$ANSWER_MS left_s
  [[ -z ${SILENT_MS[$1]:-} ]] || wait_ms=$ASK_AGAIN_MS
  while left_of $wait_ms && IFS= read -r -d "$END_OF_ANSWER" -t "$left_s" -u "${FROM_CLIENT[$1]}" text; do
    unset "SILENT_MS[$1]"
    [[ ${text##*$'\n'} == "$QUESTION" ]] || continue
    text=${text//$'\r'/}
    if [[ ${text//$'\n'/ } =~ ^\ *[a-z-]*announce-ip\ $1\ (.*)$QUESTION$ ]]; then
      REPLY_OF[$1]=${BASH_REMATCH[1]}
      return
    fi
    SILENT_MS[$1]=0
    return 1
  done
  : "${SILENT_MS[$1]:=$ASKED_MS}"
  return 1
}

# left_of MS: sets left_s to what is left of it since ASKED_MS, at least a moment.
left_of() {
  local left_ms
  now
  ((left_ms = $1 + ASKED_MS - NOW_MS, left_ms >= 10 || (left_ms = 10)))
  printf -v left_s '%d.%03d' $((left_ms / 1000)) $((left_ms % 1000))
}

own() {
  ask "$HOSTNAME" -- "$*"
  RESP=${REPLY_OF[$HOSTNAME]:-}
  [[ $RESP == @(OK|PONG|'#')\ * ]]
}

# start_server SIGNS COMMAND…: sets SERVER. Lines of its log that match SIGNS end a pause.
start_server() {
  local log_fd
  exec {log_fd}> >(pass_log "$1")
  SERVER_LOG=$!
  (exec setpriv --reuid redis --regid redis --clear-groups "${@:2}" >&"$log_fd" 2>&1) &
  SERVER=$!
  exec {log_fd}>&-
}

# The server's status is this container's.
end_with_server() {
  local status=0
  wait "$SERVER" || status=$?
  wait "$SERVER_LOG"
  log "redis-server ended with $status"
  exit $status
}

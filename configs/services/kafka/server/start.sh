#!/usr/bin/env bash
# PID 1 of a member: makes its data folder at the first start, runs Kafka, stops it when the others can go on alone.
# Inputs: those of member.sh, CLUSTER_ID, CLUSTER_STATE (new: the first member may found the cluster; existing: nobody ever does).
# Needs bash, coreutils (BusyBox's will do), flock, Java. docs/decisions/0023-kafka.md
set -uo pipefail
readonly DATA=/var/lib/kafka/data CONFIG=/etc/kafka/server.properties
#: An operator's order for an empty volume: the voters as the surviving member knows them. docs/decisions/0023-kafka.md
readonly ORDER=$DATA/voters
# Half of the limit is for page cache and what Java needs besides; the second: a name's address may be another's soon.
readonly JVM=(-XX:MaxRAMPercentage=45 -Dsun.net.inetaddr.ttl=3 -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true
  -Dlog4j2.configurationFile=/etc/kafka/log4j2.properties)

main() {
  local part code=0
  # shellcheck source=/dev/null
  for part in member decide; do . "/etc/kafka/$part.sh"; done
  umask 077
  member_begin /tmp || exit 1
  own_volume $DATA || exit 0
  format_volume
  rm -f /tmp/waiting
  [[ -z $LEAVING ]] || exit 0
  run_java kafka.Kafka $CONFIG &
  SERVER=$!
  while kill -0 "$SERVER" 2>/dev/null; do   # `wait` ends early on a signal
    if [[ -n $LEAVING ]]; then leave; fi
    wait "$SERVER"
    code=$?
  done
  [[ -z $LEAVING ]] || code=0
  log "Kafka ended with $code"
  exit "$code"
}

run_java() { exec java "${JVM[@]}" -cp '/opt/kafka/libs/*' "$@" 9>&-; }

format_volume() {
  while [[ -z $LEAVING ]]; do
    FORMATTED='' ORDERED=''
    [[ ! -e $DATA/log/meta.properties ]] || FORMATTED=yes
    [[ ! -s $ORDER ]] || ORDERED=yes
    [[ -n $FORMATTED$ORDERED || $MEMBER_INDEX != 0 ]] || ask_others
    decide_start
    case $ACTION in
      start) return ;;
      join) format --no-initial-controllers ;;
      found) format --standalone ;;
      restore) format --initial-controllers "$(<"$ORDER")" && rm "$ORDER" ;;
      wait*) : >/tmp/waiting && log_once "${ACTION/ /: }" && pause 1 ;;
    esac
  done
}

declare -A EPOCHS
# shellcheck disable=SC2034 # decide_start reads EPOCHS
ask_others() {
  local member
  EPOCHS=()
  for member in "${MEMBER_NAMES[@]}"; do
    [[ $member == "$HOSTNAME" ]] || EPOCHS[$member]=$(timeout 5 bash /etc/kafka/ask.sh epoch "$member" 2>/dev/null)
  done
}

format() {
  log "empty volume: formats it $*"
  (run_java kafka.tools.StorageTool format --config $CONFIG --cluster-id "$CLUSTER_ID" "$@") && return
  pause 5
  return 1
}

# Runs on TERM. Of STOP_GRACE_S five eighths are for waiting, the rest for Kafka's own orderly end.
leave() {
  log "asked to stop"
  until_true $((STOP_GRACE_S * 5 / 8)) may_stop || log "stops all the same"
  kill -TERM "$SERVER" 2>/dev/null
}

SILENT=0
# shellcheck disable=SC2317 # until_true calls it
may_stop() {
  local why
  ((SECONDS >= ${LOOK_AGAIN_S:-0})) || return 1
  LOOK_AGAIN_S=$((SECONDS + 1))
  why=$(ready-to-stop)
  case $? in
    0) return 0 ;;
    2) ((++SILENT < 10)) || { log "no quorum for ten seconds: nothing to wait for" && return 0; } ;;
    *) SILENT=0 ;;
  esac
  log_once "waits: $why"
  return 1
}

main "$@" </dev/null

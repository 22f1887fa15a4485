#!/usr/bin/env bash
# shellcheck disable=SC2015,SC2034,SC2154,SC2153  # the scripts that broker.sh and namesrv.sh source share their variables
# PID 1 of a name server with its controller: decides whether it may take part, then runs both in one process.
# Needs bash, coreutils, setpriv and flock. docs/decisions/0025-rocketmq.md
set -uo pipefail
readonly HERE=/etc/rocketmq
HAS_DATA='' ORDERED='' PEERS='' ALL_WAITED_SINCE_S=-1

main() {
  local file
  for file in member.sh java.sh remoting.sh controllers.sh decide.sh memory.env; do
    # shellcheck source=/dev/null
    source "$HERE/$file"
  done
  begin_member || exit
  [[ ! -e $STORE/member ]] || HAS_DATA=yes
  look
  if [[ $ACTION == wait* ]]; then stand_by; fi
  [[ -n $LEAVING ]] || serve
}

# stand_by: a plain name server, until this member may take part.
stand_by() {
  start_namesrv false
  while [[ $ACTION == wait* && -z $LEAVING ]] && kill -0 "$SERVER" 2>/dev/null; do
    log_once "waiting: ${ACTION#wait }"
    pause 1
    look
  done
  stop_java
  [[ $ACTION != wait* || -n $LEAVING ]] || exit 1
}

serve() {
  log "controller: $ACTION"
  : >>"$STORE/member"
  rm -f "$STORE/FOUND"
  start_namesrv true
  while kill -0 "$SERVER" 2>/dev/null; do
    if [[ -n $LEAVING ]]; then leave; break; fi
    pause 86400
  done
  wait "$SERVER"
}

start_namesrv() {
  { cat $HERE/namesrv.conf && printf 'enableControllerInNamesrv=%s\ncontrollerDLegerSelfId=n%s\n' "$1" "$MEMBER_INDEX"; } >"$RUN"/namesrv.conf
  chown "$OWNER" "$RUN"/namesrv.conf
  start_java org.apache.rocketmq.namesrv.NamesrvStartup 25 12 -c "$RUN"/namesrv.conf
}

# look: sets ACTION; asks the others only when this member's own volume doesn't answer it.
look() {
  local name
  ORDERED='' PEERS=''
  [[ ! -e $STORE/FOUND ]] || ORDERED=yes
  if [[ -z $HAS_DATA ]]; then
    for name in "${MEMBER_NAMES[@]}"; do
      [[ $name == "$HOSTNAME" ]] || { look_at "$name" && PEERS+="${PEERS:+ }$SEEN"; }
    done
  fi
  if ((ALL_WAITED_SINCE_S < 0)) && all_wait; then ALL_WAITED_SINCE_S=$SECONDS; fi
  ALL_WAITED_S=$((ALL_WAITED_SINCE_S < 0 ? -1 : SECONDS - ALL_WAITED_SINCE_S))
  decide_start
}

look_at() {
  SEEN=unknown
  if link "$1" "$CONTROLLER_PORT"; then
    SEEN=votes
    ! leader_known || SEEN=leads
  elif is_open "$1" "$NAMESRV_PORT"; then
    SEEN=waits
  fi
}

# leave: the others vote without this member, if they are all back.
leave() {
  log "asked to stop"
  await_ready $((STOP_GRACE_S / 2)) || log "stops all the same"
  stop_java
}

main "$@" </dev/null

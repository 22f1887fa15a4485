# shellcheck shell=bash disable=SC2034,SC2154
# Leaving in good order: never the second one to leave while another one comes back, and never as the writer.

# leave: called once, on TERM; the group goes on without this member. Of STOP_GRACE_S five eighths are for waiting,
# the rest for handing over (15 s at most), for stopping replication (30 s at most) and for mysqld.
leave() {
  local member staying=''
  log "asked to stop"
  until_true $((STOP_GRACE_S * 5 / 8)) may_leave || log "not all others are back:$REASON; leaves all the same"
  if [[ $ROLE == PRIMARY ]]; then
    for member in "${MEMBER_NAMES[@]}"; do [[ ${STAYS[$member]:-0} != 1 ]] || staying+=",$member"; done
    hand_over_to "${staying#,}" || [[ -z $SUCCESSOR ]] || log "$SUCCESSOR did not take over in time: ${ROWS[*]}"
  fi
  STATE=OFFLINE
  publish_role
  sql "STOP GROUP_REPLICATION" 30
  kill -TERM "$SERVER" 2>/dev/null
}

# may_leave: looks every second; the others see by the lock that this member leaves.
may_leave() {
  ((SECONDS >= ${LOOK_AGAIN_S:-0})) || return 1
  LOOK_AGAIN_S=$((SECONDS + 1))
  observe
  publish_role
  sql "DO GET_LOCK('leaving', 0)"
  observe_staying
  ready_to_stop
  [[ -n $READY ]] || { log_once "waits for$REASON"; return 1; }
}

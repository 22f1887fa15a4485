# shellcheck shell=bash disable=SC2154
# Leaving in good order: never the second one to leave while another one comes back, and never as the writer.

# leave: called once, on TERM; the group goes on without this member. Of STOP_GRACE_S five eighths are for waiting,
# the rest for handing over (15 s at most), for stopping replication (30 s at most) and for mysqld.
leave() {
  log "asked to stop"
  until_true $((STOP_GRACE_S * 5 / 8)) may_leave || log "not all others are back:$REASON; leaves all the same"
  if [[ $ROLE == PRIMARY ]] && choose_successor; then
    log "hands over to $SUCCESSOR"
    hand_over_to "$SUCCESSOR" || log "$SUCCESSOR did not take over in time: ${ROWS[*]}"
  fi
  stop_telling
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

# stop_telling: this member has no role any more.
stop_telling() {
  ROLE=NONE
  printf '%s\n' "$ROLE" >"$RUN/role"
  tell_own_role
}

# choose_successor: the ONLINE secondary that stays and has the fewest transactions to apply, the first among equals.
choose_successor() {
  local member names=''
  for member in "${MEMBER_NAMES[@]}"; do [[ ${STAYS[$member]:-0} != 1 ]] || names+="${names:+,}$member"; done
  sql "SELECT MEMBER_HOST FROM performance_schema.replication_group_members m JOIN performance_schema.replication_group_member_stats s USING (MEMBER_ID) WHERE m.MEMBER_STATE = 'ONLINE' AND m.MEMBER_ROLE = 'SECONDARY' AND FIND_IN_SET(MEMBER_HOST, '$names') ORDER BY s.COUNT_TRANSACTIONS_REMOTE_IN_APPLIER_QUEUE > 100, FIND_IN_SET(MEMBER_HOST, '$names') LIMIT 1"
  SUCCESSOR=${ROWS[0]:-}
  [[ -n $SUCCESSOR ]]
}

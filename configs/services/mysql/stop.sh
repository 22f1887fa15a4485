# shellcheck shell=bash
# Leaving in good order: never the second one to leave, and never as the writer.

# Seconds until the others must be whole: a member that rejoins by clone takes up to a minute.
readonly WAIT_FOR_OTHERS_S=75

# leave: called once, on TERM; the group goes on without this member.
leave() {
  local others role next
  log "asked to stop"
  others=$(( ${#MEMBERS[@]} - 1 ))
  until_others_online "$others" || log "not all others are ONLINE after $WAIT_FOR_OTHERS_S s; leaves all the same"
  read -r role < <(sql <<<"SELECT MEMBER_ROLE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid AND MEMBER_STATE = 'ONLINE'") || role=NONE
  if [[ $role == PRIMARY ]]; then
    next=$(successor)
    if [[ -n $next ]]; then log "hands over to $next"; hand_over_to "$next" || log "it did not take over in time"; fi
  fi
  put_role NONE
  sql <<<"STOP GROUP_REPLICATION" 2>/dev/null
  kill -TERM "$SERVER" 2>/dev/null
}

until_others_online() {
  local deadline=$((SECONDS + WAIT_FOR_OTHERS_S)) online
  while ((SECONDS < deadline)); do
    online=$(sql <<<"SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_STATE = 'ONLINE' AND MEMBER_ID <> @@server_uuid AND $STATE_SQL = 'ONLINE'" 2>/dev/null) || return 0
    # Not a member itself: nobody loses anything by its going.
    [[ $online -ge $1 || $(sql <<<"SELECT $STATE_SQL" 2>/dev/null) != ONLINE ]] && return 0
    say_once "waits for the others: $online of $1 are ONLINE"
    sleep 0.5
  done
  return 1
}

# successor: the ONLINE secondary with the fewest transactions to apply, the first declared among equals.
successor() {
  sql <<<"SELECT MEMBER_HOST FROM performance_schema.replication_group_members m JOIN performance_schema.replication_group_member_stats s USING (MEMBER_ID) WHERE m.MEMBER_STATE = 'ONLINE' AND m.MEMBER_ROLE = 'SECONDARY' ORDER BY s.COUNT_TRANSACTIONS_REMOTE_IN_APPLIER_QUEUE > 100, FIND_IN_SET(MEMBER_HOST, '$(IFS=,; echo "${MEMBERS[*]}")') LIMIT 1"
}

# shellcheck shell=bash disable=SC2034,SC2154
# A member's turn: observe, tell the role, decide (decide.sh), act.

readonly SLOW_BEAT_S=5 QUICK_BEAT_S=1
#: After a sign of change the member looks often for so long.
readonly ALERT_S=10
BEAT_S=$QUICK_BEAT_S ALERT_UNTIL_S=$ALERT_S ROLE=''

turn() {
  observe
  publish_role
  if [[ $STATE == OFFLINE || $STATE == UNREACHABLE ]]; then probe_members; else end_sessions "$ME"; fi
  decide
  [[ $ACTION == propose* || $ACTION == bootstrap ]] || PROPOSED=''
  act "${ACTION%% *}" "${ACTION#* }"
  set_beat
}

# act WORD ARGUMENT: does what was decided.
act() {
  case $1 in
    rest) ;;
    open) sql "SET GLOBAL offline_mode = OFF" && log "ONLINE, open for clients" ;;
    create_database) sql "CREATE DATABASE IF NOT EXISTS \`$DATABASE\`" ;;
    hand_over) hand_back "$2" ;;
    stop_replication) stop_replication ;;
    join) join_group "$2" ;;
    propose) PROPOSED=$2; log_once "all members are up and no group exists: $2 has everything and leads" ;;
    bootstrap) bootstrap_group "bootstraps the group" ;;
    force_bootstrap) bootstrap_group "OPERATOR: bootstraps the group here, giving up what only these have: $GIVEN_UP" ;;
    refuse_force) refuse_force "$2" ;;
    *) [[ $2 == wait ]] || log_once "$2" ;;
  esac
}

# set_beat: slow while nothing happens. Signs end a pause: a line of group replication in mysqld's log, a lost
# connection to a router, the end of mysqld.
set_beat() {
  BEAT_S=$QUICK_BEAT_S
  if [[ $ACTION != rest || -z $WHOLE_SINCE_S || -n $ROUTER_SILENT ]]; then return; fi
  ((SECONDS < ALERT_UNTIL_S)) || BEAT_S=$SLOW_BEAT_S
}

# publish_role: the file is for /usr/local/bin/role, the message for the routers.
publish_role() {
  local before=$ROLE
  decide_role
  if [[ $ROLE != "$before" ]]; then
    printf '%s\n' "$ROLE" >"$RUN/role"
    log "$ROLE"
  fi
  if [[ $ROLE == PRIMARY ]]; then
    tell_all_roles "$ME"
  elif [[ $before == PRIMARY ]] || [[ -n $LEAVING && $ROLE != "$before" ]]; then
    tell_own_role
  fi
}

hand_back() {
  WHOLE_SINCE_S=''
  log "the group has been whole for $FAILBACK_AFTER_S s: $1 leads again"
  hand_over_to "$1" || log "it does not take over now: ${ROWS[*]}"
}

# hand_over_to MEMBERS: to the ONLINE one of these (a,b) that has few transactions to apply, the first among equals;
# running transactions end before. SUCCESSOR is empty when there is none.
hand_over_to() {
  local id
  sql "SELECT MEMBER_ID, MEMBER_HOST FROM performance_schema.replication_group_members m JOIN performance_schema.replication_group_member_stats s USING (MEMBER_ID) WHERE m.MEMBER_STATE = 'ONLINE' AND m.MEMBER_ROLE = 'SECONDARY' AND FIND_IN_SET(MEMBER_HOST, '$1') ORDER BY s.COUNT_TRANSACTIONS_REMOTE_IN_APPLIER_QUEUE > 100, FIND_IN_SET(MEMBER_HOST, '$1') LIMIT 1"
  IFS=$'\t' read -r id SUCCESSOR <<<"${ROWS[0]:-}"
  [[ -n $SUCCESSOR ]] || return
  log "hands over to $SUCCESSOR"
  sql "SELECT group_replication_set_as_primary('$id', 3)" 15 || return
  tell_all_roles "$SUCCESSOR"
  observe && publish_role
}

# stop_replication: takes up to half a minute, as the member gives up its connections one after the other.
stop_replication() {
  log_once "has left the group (ERROR): stops group replication"
  sql "STOP GROUP_REPLICATION" 60
}

join_group() {
  log_once "$1 is in a group with quorum: joining"
  forget_order
  start_group OFF || log "could not join (${ROWS[*]: -1}); tries again. If it says that this member has transactions that the group lacks: docs/decisions/0010-mysql.md"
}

start_group() {
  local done=0 answer
  quote_joining_password
  sql "SET GLOBAL group_replication_bootstrap_group = $1" &&
    sql "START GROUP_REPLICATION USER = 'repl_user', PASSWORD = '$QUOTED'" 600 || done=1
  answer=("${ROWS[@]}")
  sql "SET GLOBAL group_replication_bootstrap_group = OFF"
  ROWS=("${answer[@]}")
  return "$done"
}

# bootstrap_group TEXT: every member's lock held, then every member asked and what was decided decided once more.
bootstrap_group() {
  local decided=$ACTION
  if hold_locks; then
    probe_members
    decide
    if [[ $ACTION != "$decided" ]]; then
      log "no bootstrap: $ACTION"
    elif ! has_locks; then
      log "no bootstrap: a lock was lost"
    else
      log "$1"
      if start_group ON; then forget_order; else log "could not bootstrap: ${ROWS[*]}"; fi
    fi
  fi
  end_sessions
  PROPOSED=''
}

# hold_locks: in the session that each member is asked by. Earlier versions know the lock by this name.
hold_locks() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    if ask "$member" "SELECT GET_LOCK('found_group', 0)" 4 && [[ ${ROWS[0]} == 1 ]]; then continue; fi
    if is_spared "$member"; then continue; fi
    log "the lock of $member is taken: another member bootstraps"
    return 1
  done
}

# has_locks: a lock ends unnoticed when the server that has it ends.
has_locks() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do [[ ${LOCKED[$member]} == 1 ]] || is_spared "$member" || return; done
}

# is_spared MEMBER: an order does without the lock of a silent member that it names.
is_spared() { [[ $ACTION == force_bootstrap && ${STATES[$1]} == UNREACHABLE && " $GIVEN_UP " == *" $1 "* ]]; }

# end_sessions [BUT]: at the members, and the locks with them.
end_sessions() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do [[ $member == "${1:-}" ]] || client_end "$member"; done
}

refuse_force() {
  log "force-bootstrap did not name $1 (${STATES[$1]}), which may have transactions of its own: not done"
  forget_order
}

# forget_order: an order is for the moment that the operator saw. One that outlived a group would drop what that wrote.
forget_order() { rm -f "$DATA/FORCE_BOOTSTRAP"; }

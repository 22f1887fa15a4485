# shellcheck shell=bash disable=SC2034,SC2154
# A member's turn: observe, tell the role, decide (decide.sh), act.

readonly SLOW_BEAT_S=5 QUICK_BEAT_S=1
#: After a sign of change the member looks often for so long.
readonly ALERT_S=10
BEAT_S=$QUICK_BEAT_S ALERT_UNTIL_S=$ALERT_S ROLE=''

turn() {
  observe
  publish_role
  if [[ $STATE == OFFLINE || $STATE == UNREACHABLE ]]; then probe_members; fi
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
  if [[ $ACTION != rest ]] || ! is_whole || [[ -n $ROUTER_SILENT ]]; then return; fi
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
  if [[ $ROLE == PRIMARY ]]; then tell_all_roles "$ME"; elif [[ $before == PRIMARY ]]; then tell_own_role; fi
}

hand_back() {
  WHOLE_SINCE_S=''
  log "the group has been whole for $FAILBACK_AFTER_S s: $1 leads again"
  hand_over_to "$1" || log "it does not take over now: ${ROWS[*]}"
}

# hand_over_to MEMBER: waits for running transactions, then the other one is the writer.
hand_over_to() {
  sql "SELECT MEMBER_ID FROM performance_schema.replication_group_members WHERE MEMBER_HOST = '$1' AND MEMBER_STATE = 'ONLINE'"
  [[ -n ${ROWS[0]:-} ]] && sql "SELECT group_replication_set_as_primary('${ROWS[0]}', 3)" 15 || return
  tell_all_roles "$1"
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
  quote "$(joining_password)"
  sql "SET GLOBAL group_replication_bootstrap_group = $1" &&
    sql "START GROUP_REPLICATION USER = 'repl_user', PASSWORD = '$QUOTED'" 600 || done=1
  answer=("${ROWS[@]}")
  sql "SET GLOBAL group_replication_bootstrap_group = OFF"
  ROWS=("${answer[@]}")
  return "$done"
}

# bootstrap_group TEXT: every member's lock held, then every member asked and what was decided decided once more.
bootstrap_group() {
  local member decided=$ACTION
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
  for member in "${MEMBER_NAMES[@]}"; do client_end "lock-$member"; done
  PROPOSED=''
}

# hold_locks: an order does without the lock of a silent member that it names.
hold_locks() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    hold_lock "$member" && continue
    [[ $ACTION == force_bootstrap && ${STATES[$member]} == UNREACHABLE && " $GIVEN_UP " == *" $member "* ]] && continue
    log "the lock of $member is taken: another member bootstraps"
    return 1
  done
}

# has_locks: a lock ends unnoticed when the server that has it ends.
has_locks() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    [[ -n ${CLIENT[lock-$member]:-} ]] || continue
    client_say "lock-$member" "SELECT IS_USED_LOCK('found_group') = CONNECTION_ID();"
    client_hear "lock-$member" 4 && [[ $HEARD == 1 ]] || return
  done
}

# hold_lock MEMBER: a session there that has its lock, until the client ends. Earlier versions know the lock by this name.
hold_lock() {
  local options=("--defaults-file=$RUN/repl.cnf" "--host=$1")
  if [[ $1 == "$ME" ]]; then options=("--defaults-file=$RUN/root.cnf"); fi
  client_start "lock-$1" mysql "${options[@]}" -NBn
  client_say "lock-$1" "SELECT GET_LOCK('found_group', 0);"
  if client_hear "lock-$1" 4 && [[ $HEARD == 1 ]]; then return; fi
  client_end "lock-$1"
  return 1
}

refuse_force() {
  log "force-bootstrap did not name $1 (${STATES[$1]}), which may have transactions of its own: not done"
  forget_order
}

# forget_order: an order is for the moment that the operator saw. One that outlived a group would drop what that wrote.
forget_order() { rm -f "$DATA/FORCE_BOOTSTRAP"; }

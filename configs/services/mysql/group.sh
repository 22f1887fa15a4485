# shellcheck shell=bash disable=SC2034,SC2154
# The state machine of one member, one turn a second. Safe against split brain by one rule: without a group
# that has a quorum nobody leads before every member was asked, is OFFLINE, and has given its lock.

readonly STATE_SQL="COALESCE((SELECT MEMBER_STATE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid), 'OFFLINE')"
readonly QUORUM_SQL="(SELECT COALESCE(SUM(MEMBER_STATE IN ('ONLINE', 'RECOVERING')) * 2 > COUNT(*), 0) FROM performance_schema.replication_group_members)"
# What was executed, and what was received and not applied yet.
readonly SET_SQL="REPLACE(CONCAT_WS(',', NULLIF(@@GLOBAL.gtid_executed, ''), NULLIF((SELECT RECEIVED_TRANSACTION_SET FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME = 'group_replication_applier'), '')), '\n', '')"
readonly PROBE_SQL="SELECT @@report_host, $STATE_SQL, $QUORUM_SQL, CONCAT('g:', $SET_SQL)"
readonly OWN_SQL="SELECT $STATE_SQL, $QUORUM_SQL, @@super_read_only, @@offline_mode, (SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_STATE = 'ONLINE'), (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '$DATABASE')"

declare -A STATES=() SETS=() QUORATE=()
AGREED=0 WHOLE_SINCE=0 SAID=""

# say_once TEXT: not the same line every second.
say_once() { [[ $1 == "$SAID" ]] || log "$1"; SAID=$1; }

# step: one turn.
step() {
  local state quorum read_only closed online has_database
  IFS=$'\t' read -r state quorum read_only closed online has_database < <(sql <<<"$OWN_SQL" 2>/dev/null) || state=UNKNOWN
  publish_role "$state" "$quorum" "$read_only"
  case $state in
    UNKNOWN | RECOVERING) return 0 ;;
    ONLINE) settle "$quorum" "$read_only" "$closed" "$online" "$has_database" ;;
    *) seek_group "$state" ;;
  esac
}

# publish_role STATE QUORUM READ_ONLY: what the routers read over TLS, see run-member.sh.
publish_role() {
  local role=NONE
  [[ $1 == ONLINE && $2 == 1 ]] && role=$([[ $3 == 0 ]] && echo PRIMARY || echo SECONDARY)
  put_role "$role"
}

put_role() { printf 'role=%s\n' "$1" >"$RUN/http/role.new" && mv "$RUN/http/role.new" "$RUN/http/role"; }

# settle QUORUM READ_ONLY CLOSED ONLINE_MEMBERS HAS_DATABASE: what a member that is ONLINE still has to do.
settle() {
  AGREED=0
  if [[ $3 == 1 ]]; then sql <<<"SET GLOBAL offline_mode = OFF"; log "ONLINE, open for clients"; SAID=""; fi
  if [[ $2 == 0 && $5 == 0 ]]; then sql <<<"CREATE DATABASE IF NOT EXISTS \`$DATABASE\`"; fi
  if [[ $2 == 1 || $4 != "${#MEMBERS[@]}" || $ME == "${MEMBERS[0]}" ]]; then WHOLE_SINCE=0; return; fi
  ((WHOLE_SINCE)) || WHOLE_SINCE=$SECONDS
  if ((FAILBACK_AFTER_S > 0 && SECONDS - WHOLE_SINCE >= FAILBACK_AFTER_S)); then
    WHOLE_SINCE=0
    log "the group has been whole for $FAILBACK_AFTER_S s: ${MEMBERS[0]} leads again"
    hand_over_to "${MEMBERS[0]}" || log "it does not take over now"
  fi
}

# hand_over_to MEMBER: waits for running transactions, then the other is the writer. Routers let go at once.
hand_over_to() {
  local uuid
  uuid=$(sql <<<"SELECT MEMBER_ID FROM performance_schema.replication_group_members WHERE MEMBER_HOST = '$1' AND MEMBER_STATE = 'ONLINE'")
  [[ -n $uuid ]] || return 1
  SQL_LIMIT_S=15 sql <<<"SELECT group_replication_set_as_primary('$uuid', 3)" >&2 && put_role SECONDARY
}

# seek_group STATE: join the group, or found it with the consent of all.
seek_group() {
  local member
  if [[ $1 == ERROR ]]; then
    # Up to half a minute: a member that lost the majority gives up its connections one after the other.
    say_once "has left the group (ERROR): stops group replication"
    SQL_LIMIT_S=60 sql <<<"STOP GROUP_REPLICATION" >/dev/null
    return
  fi
  look_around
  for member in "${MEMBERS[@]}"; do
    if [[ $member != "$ME" && ${STATES[$member]} == ONLINE && ${QUORATE[$member]} == 1 ]]; then
      join_group "$member"
      return
    fi
  done
  if [[ -f $DATA/FORCE_BOOTSTRAP ]]; then forced; return; fi
  agree_on_leader
}

# look_around: STATES, QUORATE and SETS of every member; UNREACHABLE where one doesn't answer by its name.
look_around() {
  local member name state quorum set
  for member in "${MEMBERS[@]}"; do
    STATES[$member]=UNREACHABLE QUORATE[$member]=0 SETS[$member]=""
    IFS=$'\t' read -r name state quorum set < <(ask "$member" "$PROBE_SQL") || continue
    [[ $name == "$member" ]] && STATES[$member]=$state QUORATE[$member]=$quorum SETS[$member]=${set#g:}
  done
}

join_group() {
  local why
  say_once "$1 is in a group with quorum: joining"
  AGREED=0
  why=$(start_group OFF 2>&1) || log "could not join ($(tail -n 1 <<<"$why")); tries again. If it says that this member has transactions that the group lacks: docs/decisions/0010-mysql.md"
}

start_group() {
  local password done=0
  password=$(quoted "$(joining_password)")
  SQL_LIMIT_S=600 sql <<<"SET GLOBAL group_replication_bootstrap_group = $1; START GROUP_REPLICATION USER = 'repl_user', PASSWORD = '$password';" || done=1
  sql <<<"SET GLOBAL group_replication_bootstrap_group = OFF"
  return "$done"
}

within() { [[ $(sql <<<"SELECT GTID_SUBSET('$1', '$2')") == 1 ]]; }

# agree_on_leader: every member OFFLINE; the one whose set holds all others' founds the group, after two
# equal rounds and with the lock of every member in its hand.
agree_on_leader() {
  local member best=${MEMBERS[0]} missing=""
  for member in "${MEMBERS[@]}"; do
    [[ ${STATES[$member]} == OFFLINE ]] || missing+=" $member is ${STATES[$member]};"
  done
  if [[ -n $missing ]]; then say_once "no group with quorum, waits:$missing"; AGREED=0; return; fi
  for member in "${MEMBERS[@]}"; do within "${SETS[$member]}" "${SETS[$best]}" || best=$member; done
  for member in "${MEMBERS[@]}"; do
    if ! within "${SETS[$member]}" "${SETS[$best]}"; then
      say_once "DIVERGED: $member and $best each have transactions that the other lacks; an operator decides: force-bootstrap on the member to keep"
      AGREED=0
      return
    fi
  done
  AGREED=$((AGREED + 1))
  say_once "all members are up and no group exists: $best has everything and leads"
  if [[ $best == "$ME" ]] && ((AGREED >= 2)); then AGREED=0; found_group; fi
}

# found_group: with every member's lock held and everybody still OFFLINE.
found_group() {
  local member holders=()
  for member in "${MEMBERS[@]}"; do
    hold_lock "$member" && holders+=("$HOLDER") && continue
    log "the lock of $member is not to be had: somebody else is at it"
    kill "${holders[@]}" 2>/dev/null
    return
  done
  look_around
  for member in "${MEMBERS[@]}"; do
    if [[ ${STATES[$member]} != OFFLINE ]]; then log "$member is ${STATES[$member]} now: no founding"; kill "${holders[@]}"; return; fi
  done
  log "founds the group"
  start_group ON || log "could not found it"
  kill "${holders[@]}" 2>/dev/null
  return 0
}

# hold_lock MEMBER: a session that holds its lock for a minute; HOLDER is the process to end.
hold_lock() {
  local out=$RUN/lock.$1 options=("--defaults-file=$RUN/repl.cnf" "--host=$1") try
  if [[ $1 == "$ME" ]]; then options=("--defaults-file=$RUN/root.cnf"); fi
  : >"$out"
  mysql "${options[@]}" -NBn < <(echo "SELECT GET_LOCK('found_group', 0);"; exec sleep 60) >"$out" 2>/dev/null &
  HOLDER=$!
  for try in {1..30}; do [[ -s $out ]] && break; sleep 0.1; done
  [[ $(<"$out") == 1 ]] || { kill "$HOLDER" 2>/dev/null; return 1; }
}

# forced: an operator's word, given for what this member had at that moment and against the members named.
forced() {
  local member given wanted=$DATA/FORCE_BOOTSTRAP
  given=$(<"$wanted")
  for member in "${MEMBERS[@]}"; do
    [[ $member == "$ME" || " $given " == *" $member "* ]] && continue
    if ! within "${SETS[$member]}" "${SETS[$ME]}" || [[ ${STATES[$member]} == UNREACHABLE ]]; then
      log "force-bootstrap did not name $member (${STATES[$member]}), which may have transactions of its own: not done"
      rm -f "$wanted"
      return
    fi
  done
  log "OPERATOR: founds the group here, giving up what only these have: $given"
  if start_group ON; then rm -f "$wanted"; else log "could not found it; tries again"; fi
}

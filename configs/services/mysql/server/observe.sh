# shellcheck shell=bash disable=SC2034,SC2154
# What a member sees of itself, of its group and of the other members: the inputs of decide.sh.

readonly OWN_SQL="SELECT COALESCE(MAX(IF(MEMBER_ID = @@server_uuid, MEMBER_STATE, NULL)), 'OFFLINE'), COALESCE(SUM(MEMBER_STATE IN ('ONLINE', 'RECOVERING')) * 2 > COUNT(*), 0)"
# What was executed, and what was received and not applied yet.
readonly SET_SQL="REPLACE(CONCAT_WS(',', NULLIF(@@GLOBAL.gtid_executed, ''), NULLIF((SELECT RECEIVED_TRANSACTION_SET FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME = 'group_replication_applier'), '')), '\n', '')"
readonly OBSERVE_SQL="$OWN_SQL, @@super_read_only, @@offline_mode, (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '${DATABASE:-app}'), COALESCE((SELECT NULLIF(VIEW_ID, '') FROM performance_schema.replication_group_member_stats WHERE MEMBER_ID = @@server_uuid), '0:0'), COALESCE(GROUP_CONCAT(CONCAT(MEMBER_HOST, '=', MEMBER_STATE) SEPARATOR ' '), '') FROM performance_schema.replication_group_members"
readonly PROBE_SQL="$OWN_SQL, COALESCE(SUM(MEMBER_HOST = '$ME'), 0), COALESCE(IS_USED_LOCK('found_group') = CONNECTION_ID(), 0), @@report_host, CONCAT('g:', $SET_SQL) FROM performance_schema.replication_group_members"

declare -A GROUP=() SEEN_AT_S=() AWAY_FOR_S=() STAYS=() STATES=() QUORATE=() LISTS_ME=() LOCKED=() SETS=() HOLDS=()
STATE=UNKNOWN QUORUM=0 READ_ONLY=1 CLOSED=1 HAS_DATABASE=1 VIEW=0:0
WHOLE_SINCE_S='' WHOLE_FOR_S=0 FORCED='' GIVEN_UP='' PROPOSED=''

# observe: this member and its group, by one question to the server here.
observe() {
  local members='' entry
  STATE=UNKNOWN QUORUM=0 READ_ONLY=1 CLOSED=1 HAS_DATABASE=1 GROUP=()
  sql "$OBSERVE_SQL" || return
  IFS=$'\t' read -r STATE QUORUM READ_ONLY CLOSED HAS_DATABASE VIEW members <<<"${ROWS[0]}"
  for entry in $members; do
    [[ -n ${entry%%=*} ]] || continue
    GROUP[${entry%%=*}]=${entry#*=}
    SEEN_AT_S[${entry%%=*}]=$SECONDS
  done
  observe_whole
}

# observe_whole: for how long every member has been ONLINE.
observe_whole() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    [[ ${GROUP[$member]:-} == ONLINE ]] || { WHOLE_SINCE_S='' WHOLE_FOR_S=0; return; }
  done
  : "${WHOLE_SINCE_S:=$SECONDS}"
  WHOLE_FOR_S=$((SECONDS - WHOLE_SINCE_S))
}

# probe_members: what every member says of itself, UNREACHABLE where one doesn't answer by its name; and an operator's
# word. LOCKED[m]: the session there still has the member's lock.
probe_members() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do probe "$member"; done
  compare_sets
  FORCED='' GIVEN_UP=''
  [[ ! -f $DATA/FORCE_BOOTSTRAP ]] || { FORCED=yes; GIVEN_UP=$(<"$DATA/FORCE_BOOTSTRAP"); }
}

probe() {
  local state quorum lists_me locked name set
  STATES[$1]=UNREACHABLE QUORATE[$1]=0 LISTS_ME[$1]=0 LOCKED[$1]=0 SETS[$1]=''
  ask "$1" "$PROBE_SQL" 4 || return
  IFS=$'\t' read -r state quorum lists_me locked name set <<<"${ROWS[0]}"
  [[ $name == "$1" ]] &&
    STATES[$1]=$state QUORATE[$1]=$quorum LISTS_ME[$1]=$lists_me LOCKED[$1]=$locked SETS[$1]=${set#g:}
}

# compare_sets: HOLDS["a b"] for every two members that answered.
compare_sets() {
  local a b question='' row
  HOLDS=()
  for a in "${MEMBER_NAMES[@]}"; do
    for b in "${MEMBER_NAMES[@]}"; do
      [[ ${STATES[$a]} == UNREACHABLE || ${STATES[$b]} == UNREACHABLE ]] ||
        question+="${question:+ UNION ALL }SELECT '$a $b', GTID_SUBSET('${SETS[$b]}', '${SETS[$a]}')"
    done
  done
  [[ -n $question ]] && sql "$question" || return
  for row in "${ROWS[@]}"; do HOLDS[${row%$'\t'*}]=${row#*$'\t'}; done
}

# observe_staying: who answers by its name, in a new session, and isn't being stopped itself; since when others are away.
observe_staying() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    AWAY_FOR_S[$member]=$((SECONDS - ${SEEN_AT_S[$member]:--COMES_BACK_S}))
    STAYS[$member]=0
    [[ $member != "$ME" && ${GROUP[$member]:-} == ONLINE ]] || continue
    client_end "$member"
    ask "$member" "SELECT IS_FREE_LOCK('leaving')" 4 && STAYS[$member]=${ROWS[0]}
  done
}

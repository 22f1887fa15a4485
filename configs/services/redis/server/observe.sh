# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# What a member sees, as decide.sh wants it; sourced, after sentinels.sh. Sets the variables that decide.sh names.
readonly STANDBY_OF=127.0.0.1 HAS_DATA_PORT=1 EMPTY_PORT=2
readonly MEMBER_FILE=/data/member LEAD_FILE=/data/LEAD
ME=$HOSTNAME FIRST=${MEMBERS_OF_SET[0]:-} SENTINEL_COUNT=${#SENTINELS[@]}
declare -A SINCE_MS=()
OWN_EPOCH=-1 ROLE='' ORDER_TAKEN='' PRIORITY=0 WITHOUT_WRITES=''

# observe: fails when the own server doesn't answer or still loads its data. The own server comes first: while it
# is frozen this waits, so what the Sentinels say is newer than that.
observe() {
  observe_own || return
  query_sentinels
  query_members
  now
  HAS_DATA='' FORCE_PROMOTE=$ORDER_TAKEN
  [[ ! -e $MEMBER_FILE ]] || HAS_DATA=yes
  [[ ! -e $LEAD_FILE ]] || FORCE_PROMOTE=yes
  [[ $ROLE == primary && $MASTER != "$ME" ]] || ((EPOCH <= OWN_EPOCH)) || OWN_EPOCH=$EPOCH
  COMPLETE=''
  ! others_suffice || COMPLETE=yes
  ALL_EMPTY=''
  ! all_empty || ALL_EMPTY=yes
  observe_times
}

# Sets OWN (INFO), ROLE, LINK, PRESENT_PRIORITY: a master doesn't tell its own, then it is what was set last.
observe_own() {
  own info replication persistence || return
  OWN=$RESP LINK=down
  field loading: "$OWN" && [[ $FIELD == 0 ]] || return
  field slave_priority: "$OWN" && PRESENT_PRIORITY=$FIELD || PRESENT_PRIORITY=$PRIORITY
  field master_sync_in_progress: "$OWN" && [[ $FIELD == 1 ]] && LINK=sync
  field master_link_status: "$OWN" && [[ $FIELD == up ]] && LINK=up
  ROLE=replica
  if field role: "$OWN" && [[ $FIELD == master ]]; then
    ROLE=primary
  elif field master_host: "$OWN" && [[ $FIELD == "$STANDBY_OF" ]]; then
    ROLE=standby
  fi
}

observe_times() {
  held ORDERED test -n "$ORDER_TAKEN"
  held NAMED named_and test -n "$STABLE"
  held UNPROMOTABLE named_and unpromotable
  held LED test "$ROLE" = primary
  held REPLACED replaced
  held PREFERRED preferred
  held IN_SYNC test "$ROLE-$LINK-$COMPLETE" = replica-up-yes
  held GUARDED test -n "$WRITES_GUARDED"
  held WRITES_HELD test -n "$WITHOUT_WRITES"
}

# held NAME CONDITION…: sets NAME_MS to how long the condition, a command, has held in all looks; -1: it does not.
held() {
  local name=$1
  shift
  if "$@"; then
    : "${SINCE_MS[$name]:=$NOW_MS}"
    printf -v "${name}_MS" %d $((NOW_MS - SINCE_MS[$name]))
  else
    unset "SINCE_MS[$name]"
    printf -v "${name}_MS" %d -1
  fi
}

named_and() { [[ $MASTER == "$ME" ]] && majority "$ANSWERED" && "$@"; }

replaced() { [[ $ROLE == primary && $MASTER != "$ME" && " $PRIMARIES " == *" $MASTER "* ]] && majority "$AGREED"; }

preferred() {
  field slave_priority: "${SAID[$FIRST]:-}"
  [[ $FIELD == "$PREFERRED_PRIORITY" ]]
}

# Of the others at least one answers, and none that does could be promoted.
unpromotable() {
  local name
  [[ -z $STABLE ]] && ((${#SAID[@]})) || return
  for name in "${!SAID[@]}"; do
    field slave_priority: "${SAID[$name]}"
    [[ $FIELD == 0 ]] || return
  done
}

all_empty() {
  local name
  [[ $ROLE == standby && -z $HAS_DATA ]] && ((${#SAID[@]} == ${#MEMBERS_OF_SET[@]} - 1)) || return
  for name in "${!SAID[@]}"; do
    field master_port: "${SAID[$name]}"
    [[ $FIELD == "$EMPTY_PORT" ]] || return
  done
}

# Whether the set takes writes without this member: while members are changed one after the other, the one before
# has to be back in sync.
others_suffice() {
  local master name
  if [[ $ROLE == primary ]]; then
    online "$OWN"
    ((${#ONLINE[@]} >= ${#MEMBERS_OF_SET[@]} - 1))
    return
  fi
  field master_host: "$OWN"
  master=${SAID[$FIELD]:-}
  field role: "$master" && [[ $FIELD == master ]] || return
  online "$master"
  for name in "${ONLINE[@]}"; do [[ $name == "$ME" ]] || return 0; done
  return 1
}

# online INFO: sets ONLINE to the replicas that this INFO of a master lists as online.
online() {
  local words word
  ONLINE=()
  read -ra words <<<"$1"
  for word in "${words[@]}"; do
    if [[ $word =~ ^slave[0-9]+:ip=([^,]+),.*state=online ]]; then ONLINE+=("${BASH_REMATCH[1]}"); fi
  done
}

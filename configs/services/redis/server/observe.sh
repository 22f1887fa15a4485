# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# What a member sees of its own server, the other members and the Sentinels, in the variables that decide.sh names;
# sourced, after peers.sh.
readonly STANDBY_OF=127.0.0.1 HAS_DATA_PORT=1 EMPTY_PORT=2
readonly MEMBER_FILE=/data/member LEAD_FILE=/data/LEAD
read -ra SENTINELS <<<"${REDIS_SENTINEL_MEMBERS:-}"
read -ra MEMBERS_OF_SET <<<"${REDIS_MEMBERS:-}"
ME=$HOSTNAME FIRST=${MEMBERS_OF_SET[0]:-} SENTINEL_COUNT=${#SENTINELS[@]} OTHERS=() OTHER_SENTINELS=()
for NAME in "${MEMBERS_OF_SET[@]}"; do [[ $NAME == "$ME" ]] || OTHERS+=("$NAME"); done
for NAME in "${SENTINELS[@]}"; do [[ $NAME == "$ME" ]] || OTHER_SENTINELS+=("$NAME"); done
PEERS=("${OTHERS[@]}" "${OTHER_SENTINELS[@]}")
#: INFO["MEMBER KEY"]: what a member said of itself in this look. ANSWERING: the others that did.
declare -A SINCE_MS=() INFO=()
OWN_EPOCH=-1 ROLE='' ORDER_TAKEN='' PRIORITY=0 WITHOUT_WRITES='' WRITES_GUARDED=''

majority() { (($1 * 2 > ${#SENTINELS[@]})); }

# observe: fails when the own server doesn't answer or still loads its data. The own server comes first: while it
# is frozen this waits, so what the Sentinels say is newer than that.
observe() {
  observe_own || return
  query_sentinels
  query_members
  now
  HAS_DATA='' FORCE_PROMOTE=$ORDER_TAKEN COMPLETE='' ALL_EMPTY=''
  [[ ! -e $MEMBER_FILE ]] || HAS_DATA=yes
  [[ ! -e $LEAD_FILE ]] || FORCE_PROMOTE=yes
  [[ $ROLE == primary && $MASTER != "$ME" ]] || ((EPOCH <= OWN_EPOCH)) || OWN_EPOCH=$EPOCH
  ! others_suffice || COMPLETE=yes
  ! all_empty || ALL_EMPTY=yes
  observe_times
}

# Sets ROLE, LINK, PRESENT_PRIORITY: a master doesn't tell its own, then it is what was set last.
observe_own() {
  INFO=()
  own info replication persistence || return
  read_info "$ME"
  [[ ${INFO["$ME loading"]:-} == 0 ]] || return
  PRESENT_PRIORITY=${INFO["$ME slave_priority"]:-$PRIORITY} LINK=down ROLE=replica
  [[ ${INFO["$ME master_sync_in_progress"]:-} != 1 ]] || LINK=sync
  [[ ${INFO["$ME master_link_status"]:-} != up ]] || LINK=up
  [[ ${INFO["$ME master_host"]:-} != "$STANDBY_OF" ]] || ROLE=standby
  [[ ${INFO["$ME role"]} != master ]] || ROLE=primary
}

read_info() {
  local word words
  read -ra words <<<"${REPLY_OF[$1]}"
  for word in "${words[@]}"; do [[ $word != *:* ]] || INFO["$1 ${word%%:*}"]=${word#*:}; done
}

# Asks the other members. Sets PRIMARIES to those that say that they lead.
query_members() {
  local name
  PRIMARIES='' ANSWERING=()
  ask "${OTHERS[@]}" -- "info replication"
  for name in "${OTHERS[@]}"; do
    [[ -n ${REPLY_OF[$name]:-} ]] || continue
    ANSWERING+=("$name")
    read_info "$name"
    [[ ${INFO["$name role"]:-} != master ]] || PRIMARIES+="${PRIMARIES:+ }$name"
  done
}

# Sets ANSWERED (how many answered), MASTER (by the highest configuration epoch, EPOCH, to which all Sentinels
# converge; empty: none of them knows one), AGREED (how many name that one), STABLE (yes: none of them sees its master
# down, or is replacing it). The address is asked for after the epoch, and by the command that names the promoted
# replica as soon as it leads: SENTINEL MASTER names the old one longer.
query_sentinels() {
  local name named=' '
  ANSWERED=0 MASTER='' EPOCH=-1 AGREED=0 STABLE=yes
  ask "${OTHER_SENTINELS[@]}" -- "sentinel master $MASTER_NAME" "sentinel get-master-addr-by-name $MASTER_NAME"
  for name in "${!REPLY_OF[@]}"; do count_sentinel "${REPLY_OF[$name]}"; done
  for name in $named; do [[ $name != "$MASTER" ]] || ((++AGREED)); done
}

# One that is still starting gives no answer.
count_sentinel() {
  if [[ $1 == *'No such master'* ]]; then
    ((++ANSWERED))
  elif [[ $1 =~ ^name\ .*\ flags\ ([^ ]+)\ (.*\ )?config-epoch\ ([0-9]+)\ (.*\ )?([^ ]+)\ [0-9]+\ $ ]]; then
    ((++ANSWERED))
    [[ ${BASH_REMATCH[1]} == master ]] || STABLE=''
    named+="${BASH_REMATCH[5]} "
    ((BASH_REMATCH[3] <= EPOCH)) || EPOCH=${BASH_REMATCH[3]} MASTER=${BASH_REMATCH[5]}
  fi
}

observe_times() {
  held ORDERED test -n "$ORDER_TAKEN"
  held NAMED named_and test -n "$STABLE"
  held UNPROMOTABLE named_and unpromotable
  held LED test "$ROLE" = primary
  held REPLACED replaced
  held PREFERRED test "${INFO["$FIRST slave_priority"]:-}" = "$PREFERRED_PRIORITY"
  held IN_SYNC test "$ROLE-$LINK-$COMPLETE" = replica-up-yes
  held GUARDED test -n "$WRITES_GUARDED"
  held WRITES_HELD test -n "$WITHOUT_WRITES"
}

# held NAME CONDITION…: sets NAME_MS to how long the condition, a command, has held in all looks; -1: it does not.
held() {
  local -n ms=$1_MS
  if "${@:2}"; then
    : "${SINCE_MS[$1]:=$NOW_MS}"
    ms=$((NOW_MS - SINCE_MS[$1]))
  else
    unset "SINCE_MS[$1]"
    ms=-1
  fi
}

named_and() { [[ $MASTER == "$ME" ]] && majority "$ANSWERED" && "$@"; }

replaced() { [[ $ROLE == primary && $MASTER != "$ME" && " $PRIMARIES " == *" $MASTER "* ]] && majority "$AGREED"; }

# Of the others at least one answers, and none that does could be promoted.
unpromotable() { [[ -z $STABLE ]] && ((${#ANSWERING[@]})) && all_say slave_priority 0; }

all_empty() {
  [[ $ROLE == standby && -z $HAS_DATA ]] && ((${#ANSWERING[@]} == ${#OTHERS[@]})) && all_say master_port "$EMPTY_PORT"
}

# all_say KEY VALUE: all others that answer.
all_say() {
  local name
  for name in "${ANSWERING[@]}"; do [[ ${INFO["$name $1"]:-} == "$2" ]] || return; done
}

# Whether the set takes writes without this member: while members are changed one after the other, the one before
# has to be back in sync.
others_suffice() {
  local name master=${INFO["$ME master_host"]:-}
  online "${master:-$ME}"
  if [[ $ROLE == primary ]]; then
    ((${#ONLINE[@]} >= ${#OTHERS[@]}))
    return
  fi
  for name in "${ONLINE[@]}"; do [[ $name == "$ME" ]] || return 0; done
  return 1
}

# online MEMBER: sets ONLINE to the replicas that it has, if it leads, and lists as online.
online() {
  local slave=0
  ONLINE=()
  [[ ${INFO["$1 role"]:-} == master ]] || return 0
  while [[ -n ${INFO["$1 slave$slave"]:-} ]]; do
    [[ ! ${INFO["$1 slave$((slave++))"]} =~ ^ip=([^,]+),.*state=online ]] || ONLINE+=("${BASH_REMATCH[1]}")
  done
}

# shellcheck shell=bash disable=SC2034,SC2154
# What a member does next: pure functions of what it observed. Variables in, variables out; no process, no network,
# no clock. tests/decisions/test_mysql_decisions.py runs them over every combination.
#
# In, of this member:  ME STATE QUORUM READ_ONLY CLOSED HAS_DATABASE WHOLE_FOR_S FAILBACK_AFTER_S LEAVING
#     of all members:  MEMBER_NAMES; GROUP[m]: its state in this member's group, with quorum or without
#     while OFFLINE:   STATES[m] QUORATE[m] LISTS_ME[m], as m itself says; HOLDS["a b"]: a has all transactions of b
#                      PROPOSED: the member to bootstrap by the turn before
#                      FORCED: an operator said force-bootstrap; GIVEN_UP: the members named by the operator
#     while leaving:   STAYS[m]: m answers by its name and is not leaving itself; AWAY_FOR_S[m]: since it was in the group
# Out: ROLE, ACTION (a word and its argument), READY and REASON

#: A member that was away for so long while another one was there to join is not coming back by itself.
readonly COMES_BACK_S=60

decide_role() {
  ROLE=NONE
  if [[ $STATE == ONLINE && $QUORUM == 1 ]]; then
    if [[ $READ_ONLY == 0 ]]; then ROLE=PRIMARY; else ROLE=SECONDARY; fi
  fi
}

decide() {
  case $STATE in
    ONLINE) settle ;;
    UNKNOWN | RECOVERING) ACTION='wait' ;;
    ERROR) ACTION=stop_replication ;;
    *) join_or_bootstrap ;;
  esac
}

# settle: what a member that is ONLINE still has to do.
settle() {
  ACTION=rest
  [[ $QUORUM == 1 ]] || return 0
  if [[ $CLOSED == 1 ]]; then
    ACTION=open
  elif [[ $READ_ONLY == 1 ]]; then
    return
  elif [[ $HAS_DATABASE == 0 ]]; then
    ACTION=create_database
  elif ((FAILBACK_AFTER_S > 0 && WHOLE_FOR_S >= FAILBACK_AFTER_S)) && [[ $ME != "${MEMBER_NAMES[0]}" ]]; then
    ACTION="hand_over ${MEMBER_NAMES[0]}"
  fi
}

# join_or_bootstrap: safe against split brain by one rule. Without a group that has a quorum nobody leads before every
# member was asked and is OFFLINE; bootstrap_group takes every member's lock as well.
join_or_bootstrap() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    if [[ $member != "$ME" && ${STATES[$member]} == ONLINE && ${QUORATE[$member]} == 1 ]]; then
      ACTION="join $member"
      # An attempt to join blocks for a minute while the group has not expelled the server that was killed.
      [[ ${LISTS_ME[$member]} == 0 ]] || ACTION="wait until the group has expelled the server that was here before"
      return
    fi
  done
  if [[ -n $FORCED ]]; then force_or_refuse; else elect_bootstrap_member; fi
}

# force_or_refuse: an operator's word holds for what this member has now and for the members that were named.
force_or_refuse() {
  local member
  ACTION=force_bootstrap
  for member in "${MEMBER_NAMES[@]}"; do
    [[ $member == "$ME" || " $GIVEN_UP " == *" $member "* ]] && continue
    [[ ${STATES[$member]} != UNREACHABLE && ${HOLDS["$ME $member"]:-0} == 1 ]] && continue
    ACTION="refuse_force $member"
    return
  done
}

# elect_bootstrap_member: the first one that has all transactions of all others, the same in two turns.
elect_bootstrap_member() {
  local member best='' missing=''
  for member in "${MEMBER_NAMES[@]}"; do
    [[ ${STATES[$member]} == OFFLINE ]] || missing+=" $member is ${STATES[$member]};"
  done
  if [[ -n $missing ]]; then
    ACTION="wait no group with quorum, waits:$missing"
    return
  fi
  for member in "${MEMBER_NAMES[@]}"; do
    if [[ -z $best ]] && holds_all "$member"; then best=$member; fi
  done
  if [[ -z $best ]]; then
    ACTION="wait DIVERGED: every member lacks transactions of another one; an operator decides: force-bootstrap on the member to keep"
  elif [[ $best == "$ME" && $PROPOSED == "$ME" ]]; then
    ACTION=bootstrap
  else
    ACTION="propose $best"
  fi
}

holds_all() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do [[ ${HOLDS["$1 $member"]:-0} == 1 ]] || return 1; done
}

# ready_to_stop: never the second one to leave while another one is on its way back.
# A member that is ONLINE but does not answer by its name is being stopped too: Swarm withdraws a name before it sends
# the stop signal. Where no member stays, nobody can come back while this one waits: the environment goes.
ready_to_stop() {
  local member staying=''
  READY=yes REASON=''
  [[ $STATE == ONLINE ]] || return 0
  for member in "${MEMBER_NAMES[@]}"; do
    if [[ $member != "$ME" && ${GROUP[$member]:-} == ONLINE && ${STAYS[$member]:-0} == 1 ]]; then staying=yes; fi
  done
  [[ -n $staying ]] || return 0
  for member in "${MEMBER_NAMES[@]}"; do
    [[ $member == "$ME" ]] || may_miss "$member" || REASON+=" $member"
  done
  [[ -z $REASON ]] || READY=''
}

# may_miss MEMBER: it is there, or leaves after this one, or does not come back.
may_miss() {
  case ${GROUP[$1]:-} in
    ONLINE) [[ ${STAYS[$1]:-0} == 1 ]] || comes_after "$1" ;;
    RECOVERING | UNREACHABLE) return 1 ;;
    *) ((${AWAY_FOR_S[$1]:-COMES_BACK_S} >= COMES_BACK_S)) ;;
  esac
}

# comes_after MEMBER: of two that are stopped together the first in the list leaves first.
comes_after() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    if [[ $member == "$ME" ]]; then return 0; fi
    if [[ $member == "$1" ]]; then return 1; fi
  done
}

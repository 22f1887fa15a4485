# shellcheck shell=bash disable=SC2034,SC2153  # variables of the files that are sourced together
# shellcheck disable=SC2015
# What a broker does next: a pure function of what set.sh saw. Tried over all combinations by tests/decisions/test_rocketmq_decisions.py.
#
# ROLE (PRIMARY, SECONDARY, NONE), IN_SYNC_COUNT (replicas that the controllers name in sync), MEMBER_COUNT, ACKS (copies
# that this broker asks for before it acknowledges), STALE_IDS (entries of former lives of this member), DECLARED,
# MASTER (the member that leads), ME.
readonly LEAST_ACKS=2

# Sets ACTION: none, follow MASTER, acks NUMBER, clean IDS, declare.
# As many copies as there are members in sync: any of them may lead next, and must have all that was acknowledged. Only
# the controllers shorten the list: a master that has lost them goes on asking for copies that nobody gives. Who
# does not lead asks for all, so that it begins so when it does.
decide_next() {
  local wanted=$MEMBER_COUNT
  if [[ $ROLE == PRIMARY ]]; then wanted=$((IN_SYNC_COUNT > LEAST_ACKS ? IN_SYNC_COUNT : LEAST_ACKS)); fi
  if [[ $ROLE != NONE && $ACKS != "$wanted" ]]; then
    ACTION="acks $wanted"
  elif [[ $ROLE != NONE && -n $STALE_IDS ]]; then
    ACTION="clean $STALE_IDS"
  elif [[ -n $MASTER && -z $DECLARED ]]; then
    ACTION=declare
  elif [[ $ROLE == NONE && -n $MASTER && $MASTER != "$ME" ]]; then
    ACTION="follow $MASTER"
  else
    ACTION=none
  fi
}

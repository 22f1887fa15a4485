# shellcheck shell=bash disable=SC2034,SC2153  # variables of the files that are sourced together
# shellcheck disable=SC2015
# What a broker does next: a pure function of what set.sh saw. Tried over all combinations by tests/decisions/test_rocketmq_decisions.py.
#
# ROLE (PRIMARY, SECONDARY, NONE), IN_SYNC_COUNT (replicas that the controllers name in sync), MEMBER_COUNT, ACKS (copies
# that this broker asks for before it acknowledges), STALE_IDS (entries of former lives of this member), DECLARED,
# MASTER (the member that leads), ME, OUT_FOR_S (for so long it is no more in sync, after it was in this life; -1: it was
# not, or is).
readonly LEAST_ACKS=2 STUCK_S=12

# Sets ACTION: none, follow MASTER, restart, acks NUMBER, clean IDS, declare.
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
    # Name servers may have named the former master, which is frozen: RocketMQ waits for its answer for as long as that
    # lasts. Writes stand still meanwhile, so a start anew costs nothing; a replica that is far behind was not in sync.
    if ((IN_SYNC_COUNT < LEAST_ACKS && OUT_FOR_S >= STUCK_S)); then ACTION=restart; fi
  else
    ACTION=none
  fi
}

# shellcheck shell=bash disable=SC2034  # variables of the files that are sourced together
# shellcheck disable=SC2015,SC2034,SC2154,SC2153  # the scripts that broker.sh and namesrv.sh source share their variables
# What a member of the name servers does at its start: a pure function of what namesrv.sh saw. Sourced.
# Tried over all combinations by tests/decisions/test_rocketmq_decisions.py.
#
# An emptied controller must not vote before the others with data have: two empty ones would be a majority that has
# forgotten which brokers are in sync, and a stale broker could lead. So an empty member waits as a plain name server.
#
# HAS_DATA: this volume has been a controller's. ORDERED: an operator's order. PEERS: of each other member one word:
# leads (it is or knows the leading controller), votes (a controller, no leader), waits (a name server without
# controller: empty, too), unknown. ALL_WAITED_S: for how long it is known that all members were empty at once, -1: not.
#: The others look every second: they have seen it by then, too.
readonly SEEN_BY_ALL_S=5

# Sets ACTION: start, join, found, or wait WHY.
decide_start() {
  if [[ -n $HAS_DATA ]]; then
    ACTION=start
  elif [[ " $PEERS " == *' leads '* ]]; then
    ACTION='join'
  elif [[ -n $ORDERED ]] || ((ALL_WAITED_S >= SEEN_BY_ALL_S)); then
    ACTION=found
  else
    ACTION="wait its volume is empty, the other controllers are: $PEERS; when those with data are gone for good: touch /home/rocketmq/store/FOUND in a majority"
  fi
}

all_wait() { [[ -n $PEERS && " $PEERS " != *' leads '* && " $PEERS " != *' votes '* && " $PEERS " != *' unknown '* ]]; }

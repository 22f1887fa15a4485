# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # the scripts that source this file set and read its variables
# What a member does at its start, and whether it may stop: pure functions. Variables in, variables out; no process, no
# network, no clock. tests/decisions/test_kafka_decisions.py runs them over every combination.
#
# Start, in:  FORMATTED (the volume holds this member's data), ORDERED (an operator named the voters), CLUSTER_STATE, MEMBER_INDEX, MEMBER_NAMES
#             EPOCHS[m]: what every other member said: an epoch of the quorum (0: it never saw one); unset: it is silent
#       out:  ACTION: start, restore, join, found, or wait and why
# Stop, in:   NODE_ID, VOTERS, PARTITIONS as of wire.sh;  out: REASON, empty when it may stop
#: controller.quorum.fetch.timeout.ms: a voter that is behind so far is not counted.
readonly CAUGHT_UP_MS=2000
#: min.insync.replicas of all topics
readonly MIN_ISR=2

# Only the first member ever founds a cluster, and only where every other member answered and never saw a quorum. So a
# member that lost its volume waits unless all have lost theirs. One that joins has no vote before the quorum takes it in.
decide_start() {
  local member epoch silent='' seen=''
  if [[ -n $FORMATTED ]]; then ACTION=start && return; fi
  if [[ -n $ORDERED ]]; then ACTION=restore && return; fi
  if [[ $CLUSTER_STATE != new && $CLUSTER_STATE != existing ]]; then
    ACTION="wait CLUSTER_STATE is neither new nor existing" && return
  fi
  for member in "${MEMBER_NAMES[@]}"; do
    if [[ $member == "${MEMBER_NAMES[MEMBER_INDEX]}" ]]; then continue; fi
    epoch=${EPOCHS[$member]:-}
    if [[ -z $epoch ]]; then silent+=" $member"; elif ((epoch > 0)); then seen=yes; fi
  done
  if ((MEMBER_INDEX > 0)) || [[ -n $seen || $CLUSTER_STATE == existing ]]; then
    ACTION='join'
  elif [[ -n $silent ]]; then
    ACTION="wait empty volume; silent, so they may hold the cluster's data:$silent"
  else
    ACTION=found
  fi
}

decide_stop() {
  local id behind name replicas isr others in_sync missing=() voters=0 caught_up=0
  REASON=''
  while read -r id behind; do
    [[ -n $id ]] || continue
    ((++voters))
    [[ $id == "$NODE_ID" ]] || ((behind > CAUGHT_UP_MS || ++caught_up))
  done <<<"$VOTERS"
  if ((voters > 1 && caught_up * 2 <= voters)); then
    REASON="only $caught_up other controllers of $voters are caught up"
    return
  fi
  while read -r name replicas isr; do
    [[ $replicas == *",$NODE_ID,"* ]] || continue
    # Ids have commas between and around: as many others as commas, less one.
    others=${replicas/",$NODE_ID,"/,} && others=${others//[!,]/}
    in_sync=${isr/",$NODE_ID,"/,} && in_sync=${in_sync//[!,]/}
    ((${#in_sync} > MIN_ISR || ${#in_sync} >= ${#others})) || missing+=("$name")
  done <<<"$PARTITIONS"
  ((${#missing[@]} == 0)) || REASON="too few other replicas in sync of ${#missing[@]} partitions: ${missing[*]:0:3}"
}

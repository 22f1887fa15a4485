# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# What a member does next: pure functions of what redis.sh saw; no process, no network, no clock. Sourced.
# Tried over all combinations by tests/decisions/test_redis_decide.py.
#
# Who: ME, FIRST (the preferred leader), SENTINEL_COUNT. Own server: ROLE (standby, replica, primary), LINK (up,
# sync, down), HAS_DATA (the volume has held the set's data), COMPLETE (the set takes writes without this member).
# Sentinels: ANSWERED, MASTER, AGREED, EPOCH, STABLE; OWN_EPOCH: the highest that was seen before this member led,
# or at which they named it. Members: PRIMARIES (others that lead), ALL_EMPTY (all members answer and none has data).
# An operator's order: FORCE_PROMOTE.
# For how long a condition has held without a break, in ms, -1 when it does not: ORDERED_MS; NAMED_MS (named, and
# STABLE); UNPROMOTABLE_MS (named and not STABLE, and no other member could be promoted); LED_MS (it leads);
# REPLACED_MS (it leads, and a majority names another that does); PREFERRED_MS (FIRST has PREFERRED_PRIORITY);
# IN_SYNC_MS (a replica with its link up, and COMPLETE); WRITES_HELD_MS (it leads without writes); GUARDED_MS (it
# stood still, and writes wait).
#: Sentinel asks replicas for their priority every ten seconds.
readonly KNOWN_AFTER_MS=12000
#: Sentinel goes by what INFO said up to five seconds ago, and sees a standby as down after 10 s.
readonly PATIENCE_MS=15000 TWO_LOOKS_MS=900
#: A Sentinel sees within a second that a replica leads, and tells the others every two seconds.
readonly TOLD_ALL_MS=3000
readonly PREFERRED_PRIORITY=50 USUAL_PRIORITY=100
#: FIRST takes its preference back after so long: the set has to be in sync anew.
readonly PREFERENCE_MS=60000
readonly ORDER='touch /data/LEAD in the member with the newest data'

# Sets ACTION to one line: none, wait WHY, follow MEMBER, lead WHY, lead_without_writes, allow_writes,
# take_order, request_failover, yield MEMBER, hold_writes, resume_writes, hand_back.
decide() {
  ACTION=none
  case $ROLE in
    standby) decide_standby ;;
    primary) decide_primary ;;
  esac
}

decide_standby() {
  if [[ -n $FORCE_PROMOTE && -z $PRIMARIES ]]; then
    decide_ordered
  elif majority "$ANSWERED" && [[ -n $MASTER ]]; then
    decide_named
  elif [[ -n $PRIMARIES && $PRIMARIES != *' '* ]]; then
    ACTION="follow $PRIMARIES"
  elif majority "$ANSWERED" && [[ $ME == "$FIRST" && -n $ALL_EMPTY ]]; then
    ACTION="lead first start: nobody has data, no Sentinel knows a master"
  else
    ACTION="wait $ANSWERED Sentinels answer and name no master; leading: ${PRIMARIES:-nobody}"
  fi
}

# Sentinel hears of a priority only while a member is a replica, and never takes one for the master that had 0.
# So the usual one first; Sentinel may promote this member before the time is over.
decide_ordered() {
  if ((ORDERED_MS < 0)); then
    ACTION=take_order
  elif ((ORDERED_MS < KNOWN_AFTER_MS)); then
    ACTION="wait an operator said that this member leads; it does in some seconds"
  else
    ACTION="lead an operator said so"
  fi
}

decide_named() {
  if [[ $MASTER != "$ME" ]]; then
    if [[ " $PRIMARIES " == *" $MASTER "* ]]; then
      ACTION="follow $MASTER"
    else
      ACTION="wait $MASTER, named by Sentinel, doesn't lead yet; gone for good? $ORDER"
    fi
  elif [[ -z $HAS_DATA ]]; then
    ACTION="wait Sentinel names this member, and its volume is empty: a replica with the data must lead; if none does by itself: $ORDER"
    [[ -z $STABLE ]] || ACTION=request_failover
  elif [[ -z $STABLE ]]; then
    decide_unstable
  elif ((NAMED_MS < TWO_LOOKS_MS)); then
    ACTION="wait named by $ANSWERED Sentinels; once more"
  elif ((ANSWERED == SENTINEL_COUNT || NAMED_MS >= PATIENCE_MS)); then
    ACTION="lead named by $ANSWERED Sentinels"
  else
    ACTION="wait all Sentinels, $((PATIENCE_MS / 1000)) s: one that is away may know a newer master"
  fi
}

# Leading again while a failover is under way would make two masters. But Sentinel marks a master as down that
# was a replica for 23 s, as a standby is; when no other member can be promoted, all would wait for ever.
decide_unstable() {
  ACTION="wait a Sentinel sees this member down, or is replacing it"
  [[ -n $PRIMARIES ]] || ((UNPROMOTABLE_MS < PATIENCE_MS)) || ACTION=lead_without_writes
}

# A failover that began while this master was frozen or cut off, or was asked for by hand: Sentinel demotes
# the old master only after some ten seconds, in which a replica that still follows it confirms writes that will
# be lost. An epoch that isn't newer than OWN_EPOCH, or a view of the first seconds, may be old: of a Sentinel that has
# not heard yet that this member was promoted.
# Writes that were held back don't come while another is named, though it be down and thus not yielded to: a replica
# that followed this member by an old view would confirm what the next failover loses.
decide_primary() {
  if majority "$AGREED" && [[ $MASTER != "$ME" && " $PRIMARIES " == *" $MASTER "* ]] &&
    ((LED_MS >= TOLD_ALL_MS && EPOCH > OWN_EPOCH || REPLACED_MS >= PATIENCE_MS)); then
    ACTION="yield $MASTER"
  elif ((GUARDED_MS >= 0)); then
    decide_guarded
  elif ((WRITES_HELD_MS >= KNOWN_AFTER_MS)) && [[ $MASTER == "$ME" ]]; then
    ACTION=allow_writes
  elif [[ -n $COMPLETE ]] && ((PREFERRED_MS >= KNOWN_AFTER_MS)); then
    ACTION=hand_back
  fi
}

# It stood still. A Sentinel that is away may be replacing it; after a while that would have come to an end.
decide_guarded() {
  ACTION=hold_writes
  if [[ $MASTER == "$ME" && -n $STABLE ]] && ((ANSWERED == SENTINEL_COUNT)) || ((GUARDED_MS >= KNOWN_AFTER_MS)) &&
    [[ -z $MASTER || $MASTER == "$ME" ]]; then
    ACTION=resume_writes
  fi
}

# decide_priority PRESENT FAILBACK_AFTER_S: sets PRIORITY. A member that is being filled must not be promoted, one
# in standby stays at 0, and FIRST asks for the lead once the set has been in sync for FAILBACK_AFTER_S (0: never).
decide_priority() {
  local after_ms=$(($2 * 1000))
  PRIORITY=$1
  case $ROLE-$LINK in
    standby-*) ;;
    replica-sync) PRIORITY=0 ;;
    replica-down) [[ $1 != "$PREFERRED_PRIORITY" ]] || PRIORITY=$USUAL_PRIORITY ;;
    *) PRIORITY=$USUAL_PRIORITY ;;
  esac
  if [[ $ROLE-$LINK == replica-up && $ME == "$FIRST" ]] && ((after_ms > 0 && IN_SYNC_MS >= 0)) &&
    ((IN_SYNC_MS % (after_ms + PREFERENCE_MS) >= after_ms)); then
    PRIORITY=$PREFERRED_PRIORITY
  fi
}

# decide_beat FAILBACK_AFTER_S: sets BEAT_S, the time to the next look: long while nothing is under way.
decide_beat() {
  local fails_back=yes
  [[ $1 != 0 ]] || fails_back=''
  BEAT_S=1
  case $ROLE-$LINK-$ACTION in
    replica-up-none) [[ $ME == "$FIRST" && -n $fails_back ]] || BEAT_S=5 ;;
    primary-*-none)
      if [[ $ME != "$FIRST" && -n $fails_back || $MASTER != "$ME" ]]; then return; fi
      [[ -z $COMPLETE || -z $STABLE || $WRITES_HELD_MS != -1 ]] || BEAT_S=5
      ;;
  esac
}

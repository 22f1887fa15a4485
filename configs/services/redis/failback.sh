# shellcheck shell=bash
# The first declared member leads again once the set has been whole for FAILBACK_AFTER_S: the master is where
# the labels want it, and a rolling change, which takes the first member last, moves it once. Sourced by
# redis.sh. The first member wishes by a priority that is better than the others', the master grants it.
readonly WISH=50 USUAL=100
#: Sentinel asks replicas for their priority every ten seconds. WISHES_S: then peace has to come first again.
readonly KNOWN_AFTER_S=12 WISHES_S=60
PEACE_SINCE='' WISHED_SINCE=''

# priority_wanted INFO: of a member that is in sync, or leads. Sets PRIORITY.
# shellcheck disable=SC2034  # for the caller
priority_wanted() {
  PRIORITY=$USUAL
  if [[ $HOSTNAME != "${MEMBERS%% *}" ]] || ((FAILBACK_AFTER_S == 0)); then return; fi
  if [[ $(field role <<<"$1") == master ]] || ! others_suffice; then PEACE_SINCE='' && return; fi
  : "${PEACE_SINCE:=$SECONDS}"
  ((SECONDS - PEACE_SINCE < FAILBACK_AFTER_S + WISHES_S)) || PEACE_SINCE=$SECONDS
  ((SECONDS - PEACE_SINCE < FAILBACK_AFTER_S)) || PRIORITY=$WISH
}

# Of a master: hands over to the first member when that has wished for so long that Sentinel knows it.
give_back() {
  local first=${MEMBERS%% *} leader
  if [[ $HOSTNAME == "$first" || $(ask "$first" "$REDIS_PORT" info replication | field slave_priority) != "$WISH" ]]; then
    WISHED_SINCE=''
    return
  fi
  : "${WISHED_SINCE:=$SECONDS}"
  if ((SECONDS - WISHED_SINCE < KNOWN_AFTER_S)) || ! others_suffice; then return; fi
  WISHED_SINCE=''
  log "$first is to lead again"
  hand_over
  leader=$(leader_by_sentinel)
  # Not switched: the pause of writes ends by itself, when a failover that began late is over, too.
  [[ -n $leader && $leader != "$HOSTNAME" ]] || return 0
  follow "$leader"
  self client unpause >/dev/null
}

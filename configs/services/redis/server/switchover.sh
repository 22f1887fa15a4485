# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# How the lead goes to another member, and how a member stops: the set is complete first. Sourced by redis.sh.
readonly CAUGHT_UP_S=3 SWITCHED_S=8 PAUSE_MS=12000 REQUEST_AGAIN_MS=20000
#: Redis' own shutdown-timeout, and looks that hang.
readonly SHUTDOWN_S=10 SPARE_S=14
COMPLETE_WITHIN_S=$((${STOP_GRACE_S:-60} - CAUGHT_UP_S - SWITCHED_S - SHUTDOWN_S - SPARE_S))
ASKED_SENTINEL='' REQUESTED_MS=''

# Runs on TERM; ends the process. A member that is dead delays a stop by COMPLETE_WITHIN_S.
leave() {
  log "asked to stop"
  until_true "$COMPLETE_WITHIN_S" is_complete || log "stopping though the set isn't complete"
  if observe_own && [[ $ROLE == primary ]]; then hand_over; fi
  kill -TERM "$SERVER" 2>/dev/null
  wait "$SERVER"
  wait "$SERVER_LOG"
  log "stopped"
  exit 0
}

is_complete() { observe_own && query_members && others_suffice; }

# Writes wait, replicas catch up to the last byte, Sentinel promotes one: nothing acknowledged is lost.
# Sentinel alone doesn't stop writes on the old master, and FAILOVER alone isn't known to Sentinel for 20 s.
hand_over() {
  online "$OWN"
  if ((${#ONLINE[@]} == 0)); then
    log "no replica to hand over to"
    return
  fi
  own client pause $PAUSE_MS write
  if ! until_true $CAUGHT_UP_S replicas_caught_up; then
    own client unpause
    log "replicas don't catch up: stopping without a hand-over"
    return
  fi
  if until_true $SWITCHED_S switched; then log "handed over to $LEADER"; else log "Sentinel did not switch"; fi
}

replicas_caught_up() {
  local offset name
  observe_own && query_members || return
  field master_repl_offset: "$OWN" && offset=$FIELD || return
  online "$OWN"
  for name in "${ONLINE[@]}"; do
    field slave_repl_offset: "${SAID[$name]:-}"
    [[ $FIELD == "$offset" ]] || return
  done
}

switched() {
  ask_leader
  [[ -z $LEADER || $LEADER == "$ME" ]] || return 0
  request_failover
  return 1
}

# Sets LEADER. During a failover this command names the promoted replica earlier than SENTINEL MASTER does.
ask_leader() {
  LEADER=''
  [[ -n $ASKED_SENTINEL ]] || return
  ask_peers "$ASKED_SENTINEL" -- sentinel get-master-addr-by-name "$MASTER_NAME"
  LEADER=${REPLY_OF[$ASKED_SENTINEL]:-}
  LEADER=${LEADER%% *}
  [[ $LEADER != - ]] || LEADER=''
}

# Asks one Sentinel to promote a replica now, in place of this member. Not again for a while: a second request
# would replace the new master, which still takes writes.
request_failover() {
  now
  [[ -z $REQUESTED_MS ]] || ((NOW_MS - REQUESTED_MS >= REQUEST_AGAIN_MS)) || return 0
  for ASKED_SENTINEL in "${SENTINELS[@]}"; do
    ask_leader
    [[ $LEADER == "$ME" ]] || continue
    ask_peers "$ASKED_SENTINEL" -- sentinel failover "$MASTER_NAME"
    case ${REPLY_OF[$ASKED_SENTINEL]:-} in
      OK* | *INPROG*) REQUESTED_MS=$NOW_MS && return ;;
    esac
  done
}

# FIRST is preferred for so long that every Sentinel knows it.
hand_back() {
  log "$FIRST is to lead again"
  unset 'SINCE_MS[PREFERRED]'
  hand_over
  ask_leader
  # Not switched: the pause of writes ends by itself, when a failover that began late is over, too.
  [[ -n $LEADER && $LEADER != "$ME" ]] || return 0
  log "following $LEADER"
  follow "$LEADER"
  own client unpause
}

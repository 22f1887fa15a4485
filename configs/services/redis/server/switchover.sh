# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# How the lead goes to another member, and how a member stops: the set is complete first. Sourced by redis.sh.
readonly CAUGHT_UP_S=3 SWITCHED_S=8 PAUSE_MS=12000 REQUEST_AGAIN_MS=20000
#: Redis' own shutdown-timeout, and looks that hang.
readonly SHUTDOWN_S=10 SPARE_S=14
COMPLETE_WITHIN_S=$((${STOP_GRACE_S:-60} - CAUGHT_UP_S - SWITCHED_S - SHUTDOWN_S - SPARE_S))
REQUESTED_MS=''

# Runs on TERM; ends the process. A member that is dead delays a stop by COMPLETE_WITHIN_S.
leave() {
  log "asked to stop"
  until_true "$COMPLETE_WITHIN_S" is_complete || log "stopping though the set isn't complete"
  if observe_own && [[ $ROLE == primary ]]; then hand_over; fi
  kill -TERM "$SERVER" 2>/dev/null
  end_with_server
}

is_complete() { observe_own && query_members && others_suffice; }

# Writes wait, replicas catch up to the last byte, Sentinel promotes one: nothing acknowledged is lost.
# Sentinel alone doesn't stop writes on the old master, and FAILOVER alone isn't known to Sentinel for 20 s.
hand_over() {
  online "$ME"
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
  if until_true $SWITCHED_S switched; then log "handed over to $MASTER"; else log "Sentinel did not switch"; fi
}

replicas_caught_up() {
  local name
  observe_own && query_members && online "$ME" || return
  for name in "${ONLINE[@]}"; do
    [[ ${INFO["$name slave_repl_offset"]:-} == "${INFO["$ME master_repl_offset"]}" ]] || return
  done
}

switched() {
  query_sentinels
  [[ -z $MASTER || $MASTER == "$ME" ]] || return 0
  request_failover
  return 1
}

# Asks one Sentinel to promote a replica now, in place of this member. Not again for a while: a second request
# would replace the new master, which still takes writes.
request_failover() {
  local name
  now
  [[ -z $REQUESTED_MS ]] || ((NOW_MS - REQUESTED_MS >= REQUEST_AGAIN_MS)) || return 0
  for name in "${SENTINELS[@]}"; do
    ask "$name" -- "sentinel get-master-addr-by-name $MASTER_NAME"
    [[ ${REPLY_OF[$name]:-} == "$ME "* ]] || continue
    ask "$name" -- "sentinel failover $MASTER_NAME"
    case ${REPLY_OF[$name]:-} in
      OK* | *INPROG*) REQUESTED_MS=$NOW_MS && return ;;
    esac
  done
}

# FIRST is preferred for so long that every Sentinel knows it.
hand_back() {
  log "$FIRST is to lead again"
  unset 'SINCE_MS[PREFERRED]'
  hand_over
  query_sentinels
  # Not switched: the pause of writes ends by itself, when a failover that began late is over, too.
  [[ -n $MASTER && $MASTER != "$ME" ]] || return 0
  log "following $MASTER"
  follow "$MASTER"
  own client unpause
}

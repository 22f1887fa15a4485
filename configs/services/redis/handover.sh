# shellcheck shell=bash
# How a member stops: the set is whole first, a master hands over first. Sourced by redis.sh.
# All of it together stays below stop.grace_s of service.yaml.
readonly WHOLE_S=25 CAUGHT_UP_S=3 SWITCH_S=8 PAUSE_MS=12000 REQUEST_AGAIN_S=20

# Runs on TERM; ends the process.
leave() {
  log "asked to stop"
  wait_until "$WHOLE_S" others_suffice || log "stopping though the set isn't whole"
  if [[ $(self info replication | field role) == master ]]; then hand_over; fi
  kill -TERM "$SERVER" 2>/dev/null
  wait "$SERVER"
  log "stopped"
  exit 0
}

# wait_until SECONDS COMMAND…: true as soon as the command is, false at the end.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) && kill -0 "$SERVER" 2>/dev/null || return 1
    sleep 0.2
  done
}

# Names of the replicas that the given INFO of a master lists as online.
online() { awk -F'[=,]' '/^slave[0-9]+:/ && /state=online/ { print $2 }' <<<"$1"; }

# Whether the set takes writes without me: while members are changed one after the other, the one before
# me has to be back in sync. A member that is dead delays me by WHOLE_S, no more.
others_suffice() {
  local info master
  info=$(self info replication) || return 1
  if [[ $(field role <<<"$info") == master ]]; then
    (($(online "$info" | wc -l) >= $(wc -w <<<"$MEMBERS") - 1))
  else
    master=$(field master_host <<<"$info")
    info=$(ask "$master" "$REDIS_PORT" info replication) || return 1
    [[ $(field role <<<"$info") == master ]] && online "$info" | grep -qvx "$HOSTNAME"
  fi
}

# Writes wait, replicas catch up to the last byte, Sentinel promotes one: nothing acknowledged is lost.
# Sentinel alone doesn't stop writes on the old master, and FAILOVER alone isn't known to Sentinel for 20 s.
hand_over() {
  if [[ -z $(online "$(self info replication)") ]]; then
    log "no replica to hand over to"
    return
  fi
  self client pause $PAUSE_MS write >/dev/null
  if ! wait_until "$CAUGHT_UP_S" replicas_caught_up; then
    self client unpause >/dev/null
    log "replicas don't catch up: stopping without a hand-over"
    return
  fi
  if wait_until "$SWITCH_S" switched; then log "handed over to $(leader_by_sentinel)"; else log "Sentinel did not switch"; fi
}

replicas_caught_up() {
  local info offset replica
  info=$(self info replication)
  offset=$(field master_repl_offset <<<"$info")
  for replica in $(online "$info"); do
    [[ $(ask "$replica" "$REDIS_PORT" info replication | field slave_repl_offset) == "$offset" ]] || return 1
  done
}

switched() {
  local leader
  leader=$(leader_by_sentinel)
  [[ -n $leader && $leader != "$HOSTNAME" ]] && return
  request_failover
  return 1
}

# During a failover this names the promoted replica earlier than SENTINEL MASTER does.
leader_by_sentinel() {
  [[ -n ${ASKED:-} ]] && ask "$ASKED" "$SENTINEL_PORT" sentinel get-master-addr-by-name "$MASTER_NAME" | head -1
}

# Ask one Sentinel to promote a replica now, in place of this member. Sets ASKED. Not again for a while: a
# second request would replace the new master, which still takes writes.
request_failover() {
  local sentinel answer
  ((SECONDS >= ${NOT_BEFORE_S:-0})) || return 0
  for sentinel in $SENTINELS; do
    answer=$(ask "$sentinel" "$SENTINEL_PORT" sentinel get-master-addr-by-name "$MASTER_NAME" | head -1)
    [[ $answer == "$HOSTNAME" ]] || continue
    answer=$(ask "$sentinel" "$SENTINEL_PORT" sentinel failover "$MASTER_NAME") || continue
    case $answer in
      OK | *INPROG*) ASKED=$sentinel NOT_BEFORE_S=$((SECONDS + REQUEST_AGAIN_S)) && return ;;
    esac
  done
}

# shellcheck shell=bash disable=SC2154 # variables of the files that are sourced together
# Leaving in good order; sourced. Of STOP_GRACE_S five eighths are for waiting, the rest for DRAIN_S and the server.
readonly DRAIN_S=20 STOP_LOOK_S=1

# leave: the cluster goes on without this member. https://www.rabbitmq.com/docs/upgrade#maintenance-mode
leave() {
  local end=$((SECONDS + STOP_GRACE_S * 5 / 8)) why
  log "asked to stop"
  if [[ -e $RUN/serving ]]; then
    until why=$(ready-to-stop 2>&1); do
      ((SECONDS < end)) || { log "stops all the same: $why" && break; }
      log_once "waits: $why"
      read -r -t $STOP_LOOK_S -u "$EVENTS" || true
    done
    rm -f "$RUN/serving"
    timeout $DRAIN_S rabbitmq-upgrade --quiet drain || log "not drained: clients see the stop itself"
  fi
  kill -TERM "$SERVER" 2>/dev/null
  wait "$SERVER"
  log "stopped"
  exit 0
}

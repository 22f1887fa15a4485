# shellcheck shell=bash disable=SC2153  # variables of the files that are sourced together
# shellcheck disable=SC2015
# How a broker stops: once the set is whole, and not as its master. Sourced by broker.sh.

# Of STOP_GRACE_S a half is for waiting, a quarter for handing over, the rest for the broker's own end (some 12 s).
leave() {
  log "asked to stop"
  await_ready $((STOP_GRACE_S / 2)) || log "stops all the same"
  if [[ $LAYOUT == masters ]]; then
    # Clients write to the others, as the name servers tell them.
    set_broker brokerPermission 4 && read -r -t 3 -u "$EVENTS"
  elif observe_set && [[ $ROLE == PRIMARY ]] && hand_over; then
    until_true $((STOP_GRACE_S / 4)) led_by_another || log "the new master has no second copy yet"
  fi
  say_role NONE
  stop_java
}

# led_by_another: and it takes messages again.
led_by_another() {
  read -r -t 0.5 -u "$EVENTS"
  observe_set && [[ -n $MASTER && $MASTER != "$HOSTNAME" ]] && ((IN_SYNC_COUNT >= LEAST_ACKS))
}

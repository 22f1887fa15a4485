# shellcheck shell=bash disable=SC2034 # variables of the files that are sourced together
# A primary that stood still must not take writes before it knows that it still leads: a replica that Sentinel has
# not told yet would confirm them, and they would be lost with the failover. Sourced by redis.sh.
#: Sentinel takes three seconds to see a master as down: within that time a frozen server is known here.
readonly FROZEN_MS=2500 HOLD_MS=3000

# Until the next look. A primary's server is asked each second whether it goes on.
rest() {
  local end_ms began_ms
  if [[ $ROLE != primary ]]; then
    pause "$BEAT_S"
    return
  fi
  now
  end_ms=$((NOW_MS + BEAT_S * 1000))
  while ((NOW_MS < end_ms)) && [[ -z $LEAVING ]]; do
    began_ms=$NOW_MS
    pause 1
    [[ -z $EVENT ]] || return 0
    if ! goes_on "$began_ms"; then
      guard_writes
      return
    fi
  done
}

goes_on() { own ping && now && ((NOW_MS - $1 < FROZEN_MS)); }

# Nobody waits for an answer: a frozen server reads this as soon as it goes on, together with what clients sent.
# https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands
guard_writes() {
  [[ -z $WRITES_GUARDED ]] || return 0
  log "redis-server did not answer in time: writes wait until the Sentinels say who leads"
  WRITES_GUARDED=yes
  secret redis_admin_password || return
  printf 'auth admin "%s"\r\nclient pause %s write\r\n' "$SECRET" $HOLD_MS 2>/dev/null >"/dev/tcp/127.0.0.1/$REDIS_PORT"
}

#!/usr/bin/env bash
# PID 1 of a Sentinel: keeps its peers' names, applies settings and secrets at every start, and begins to
# watch as soon as it is known who leads. docs/decisions/0011-redis.md
# Inputs: /etc/redis/*, secrets below /run/secrets, QUORUM, what the engine tells every member (member.sh).
# Files: /data/sentinel.conf, which Sentinel rewrites: epochs, the master, replicas and Sentinels it knows.
# No `set -e`: a peer that doesn't answer is no reason to end.
set -uo pipefail
readonly CONF=/data/sentinel.conf RUN=/run/redis
#: Lines that are Sentinel's memory; all others come from the declaration at every start.
readonly MEMORY='^sentinel (myid|monitor|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) '

main() {
  local file
  for file in member names peers observe users; do
    # shellcheck source=/dev/null
    source "/etc/redis/$file.sh"
  done
  umask 077
  MONITORS=''
  member_begin $RUN || exit 1
  own_volume /data || exit 0
  look_up "${PEERS[@]}"
  start || exit 1
  open_clients $RUN "${PEERS[@]}" || exit 1
  while kill -0 "$SERVER" 2>/dev/null; do
    [[ -z $LEAVING ]] || break
    look
    pause "$BEAT_S"
  done
  kill -TERM "$SERVER" 2>/dev/null
  end_with_server
}

# Each peer is asked now and then: the name of one that doesn't answer is looked up again.
look() {
  BEAT_S=1
  if [[ -z $MONITORS ]]; then
    begin_to_monitor
  else
    ask "${PEERS[@]}" -- ping
    ((${#REPLY_OF[@]} < ${#PEERS[@]})) || BEAT_S=5
  fi
}

# start [MASTER]: (re)write the file and run Sentinel on it.
start() {
  write_conf "$@" || return
  start_server '[+-][so]down|[+-]switch-master|[+]failover|[+-]tilt|[+]reboot' redis-server $CONF --sentinel
}

write_conf() {
  local memory=''
  [[ ! -e $CONF ]] || memory=$(grep -E "$MEMORY" $CONF)
  [[ -z ${1:-} ]] || memory+=$'\n'"sentinel monitor $MASTER_NAME $1 $REDIS_PORT $QUORUM"
  [[ $memory != *"sentinel monitor "* ]] || MONITORS=yes
  secret redis_sentinel_password || return
  {
    grep -v " $MASTER_NAME " /etc/redis/sentinel.conf
    printf 'sentinel announce-ip %s\naclfile /data/users.acl\n' "$HOSTNAME"
    printf 'sentinel sentinel-user sentinel\nsentinel sentinel-pass "%s"\n' "$SECRET"
    [[ -z $memory ]] || printf '%s\n' "$memory"
    [[ -z $MONITORS ]] || settings_of_master
  } >$CONF.new
  sentinel_users >/data/users.acl
  chown redis:redis /data $CONF.new /data/users.acl
  mv $CONF.new $CONF
}

settings_of_master() {
  grep " $MASTER_NAME " /etc/redis/sentinel.conf
  printf 'sentinel auth-user %s sentinel\nsentinel auth-pass %s "%s"\n' "$MASTER_NAME" "$MASTER_NAME" "$SECRET"
}

# First start: the other Sentinels know who leads, or exactly one member says that it does.
begin_to_monitor() {
  local found
  query_sentinels
  query_members
  found=${MASTER:-$PRIMARIES}
  if [[ -z $found || $found == *' '* ]]; then
    log_once "waiting for one member that leads; now: ${found// / and }"
    return
  fi
  log "monitoring $found"
  kill -TERM "$SERVER"
  wait "$SERVER"
  start "$found"
}

main "$@" </dev/null

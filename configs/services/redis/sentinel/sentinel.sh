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
  for file in member resp hosts line peers sentinels users; do
    # shellcheck source=/dev/null
    source "/etc/redis/$file.sh"
  done
  umask 077
  SERVER='' MONITORS=''
  member_begin $RUN || exit 1
  own_volume /data || exit 0
  peers
  keep_hosts $RUN "${PEERS[@]}"
  start || exit 1
  open_lines $RUN "${PEERS[@]}"
  while kill -0 "$SERVER" 2>/dev/null; do
    [[ -z $LEAVING ]] || stop
    look
    pause "$BEAT_S"
  done
  wait "$SERVER"
  local status=$?
  log "Sentinel ended with $status"
  exit $status
}

stop() {
  kill -TERM "$SERVER" 2>/dev/null
  wait "$SERVER"
  wait "$SERVER_LOG"
  exit 0
}

# Each peer is asked now and then: a line that hangs is begun anew, and a dead peer's name looked up.
look() {
  BEAT_S=1
  if [[ -z $MONITORS ]]; then
    begin_to_monitor
    return
  fi
  ask_peers "${PEERS[@]}" -- ping
  ((${#REPLY_OF[@]} < ${#PEERS[@]})) || BEAT_S=5
}

# start [MASTER]: (re)write the file and run Sentinel on it.
start() {
  local log_fd
  write_conf "$@" || return
  exec {log_fd}> >(pass_log '[+-][so]down|[+-]switch-master|[+]failover|[+-]tilt|[+]reboot')
  SERVER_LOG=$!
  (exec setpriv --reuid redis --regid redis --clear-groups redis-server $CONF --sentinel >&"$log_fd" 2>&1) &
  SERVER=$!
  exec {log_fd}>&-
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

#!/usr/bin/env bash
# PID 1 of a Sentinel: keeps its peers' names, applies settings and secrets at every start, and begins to
# watch as soon as it is known who leads. docs/decisions/0011-redis.md
# Inputs: /etc/redis/{cluster.env,lib.sh,users.sh,sentinel.conf}, secrets below /run/secrets.
# Files: /data/sentinel.conf, which Sentinel rewrites: epochs, the master, replicas and Sentinels it knows.
# No `set -e`: a peer that doesn't answer is no reason to end.
set -uo pipefail
readonly CONF=/data/sentinel.conf
#: Lines that are Sentinel's memory; all others come from the declaration at every start.
readonly MEMORY='^sentinel (myid|monitor|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) '

main() {
  # shellcheck source=/dev/null
  source /etc/redis/cluster.env
  # shellcheck source=/dev/null
  source /etc/redis/lib.sh
  # shellcheck source=/dev/null
  source /etc/redis/users.sh
  umask 077
  REDISCLI_AUTH=$(secret redis_admin_password) || exit 1
  export REDISCLI_AUTH
  trap 'LEAVING=yes; kill -TERM "${SERVER:-$$}" 2>/dev/null' TERM INT
  LEAVING='' SERVER=''
  own_volume
  keep_hosts
  start || exit 1
  while kill -0 "$SERVER" 2>/dev/null; do
    watched || begin_to_watch
    nap 1
  done
  wait "$SERVER"
  local status=$?
  log "Sentinel ended with $status"
  [[ -z $LEAVING ]] || exit 0
  exit $status
}

watched() { grep -q '^sentinel monitor ' $CONF; }

# start [MASTER]: (re)write the file and run Sentinel on it.
start() {
  write_conf "$@" || return
  (as_redis redis-server $CONF --sentinel) &
  SERVER=$!
}

write_conf() {
  local memory=''
  [[ -e $CONF ]] && memory=$(grep -E "$MEMORY" $CONF)
  [[ -z ${1:-} ]] || memory+=$'\n'"sentinel monitor $MASTER_NAME $1 $REDIS_PORT $QUORUM"
  {
    grep -v " $MASTER_NAME " /etc/redis/sentinel.conf
    printf 'sentinel announce-ip %s\naclfile /data/users.acl\n' "$HOSTNAME"
    printf 'sentinel sentinel-user sentinel\nsentinel sentinel-pass "%s"\n' "$(secret redis_sentinel_password)"
    if [[ -n $memory ]]; then printf '%s\n' "$memory"; fi
    if [[ $memory == *"sentinel monitor "* ]]; then
      grep " $MASTER_NAME " /etc/redis/sentinel.conf
      printf 'sentinel auth-user %s sentinel\nsentinel auth-pass %s "%s"\n' \
        "$MASTER_NAME" "$MASTER_NAME" "$(secret redis_sentinel_password)"
    fi
  } >$CONF.new
  sentinel_users >/data/users.acl
  chown redis:redis /data $CONF.new /data/users.acl
  mv $CONF.new $CONF
}

# First start: the other Sentinels know who leads, or exactly one member says that it does.
begin_to_watch() {
  local found
  consult
  found=${MASTER:-$(leaders)}
  if [[ -z $found || $found == *$'\n'* ]]; then
    log_waiting "for one member that leads; now: ${found//$'\n'/ and }"
    return
  fi
  log "watching $found"
  kill -TERM "$SERVER"
  wait "$SERVER"
  start "$found"
}

main "$@" </dev/null

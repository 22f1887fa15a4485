#!/usr/bin/env bash
# PID 1 of a member: makes the data folder at the first start, runs mysqld, keeps the member in its group.
# Needs what the official image has: bash, coreutils, sed, find, getent, openssl, mysqld, mysql. It has no util-linux.
# Inputs: those of member.sh, DATABASE, FAILBACK_AFTER_S, files of /run/secrets.
# shellcheck disable=SC2034  # the parts read what is set here
set -uo pipefail
umask 077
cd /usr/local/lib/mysql-member || exit 1
# shellcheck source=configs/lib/member.sh
. ./member.sh
for part in sql client users observe decide routers group stop; do
  # shellcheck source=/dev/null
  . "./$part.sh"
done

SERVER='' SLOW_LOG_LOOK_S=0
readonly SLOW_LOG_BYTES=67108864 SLOW_LOG_EVERY_S=300 TEMPORARY=/tmp

# empty_temporary: what a killed server left; nobody has it open, as this is only called without one.
empty_temporary() {
  find "$TEMPORARY" -mindepth 1 -delete && : >"$TEMPORARY/.writable" && rm "$TEMPORARY/.writable" && return
  log "$TEMPORARY: can't be emptied or written by user $UID; its volume has to be that user's, or mode 1777"
  return 1
}

initialise() {
  [[ -d $DATA/mysql ]] && return
  log "first start: makes $DATA"
  mysqld --defaults-file="$CNF" --initialize-insecure && return
  find "$DATA" -mindepth 1 -delete
  return 1
}

# start_server: closed for clients (offline_mode) and writers until it is ONLINE in the group.
start_server() {
  local seeds
  seeds=$(printf ',%s:33061' "${MEMBER_NAMES[@]}")
  rm -f "$RUN"/mysqld.sock* "$RUN"/mysqld.pid   # a lock left by a kill names a process id that is in use again
  initial_sql >"$RUN/init.sql" || return
  # With a parent named mysqld leaves with 16 for a restart (after a clone) instead of giving up.
  MYSQLD_PARENT_PID=$$ mysqld --defaults-file="$CNF" --server-id=$((MEMBER_INDEX + 1)) --report-host="$ME" \
    --init-file="$RUN/init.sql" --super-read-only=ON --offline-mode=ON \
    --loose-group-replication-group-name="$GROUP_NAME" \
    --loose-group-replication-local-address="$ME:33061" \
    --loose-group-replication-group-seeds="${seeds#,}" 2> >(pass_log "Plugin group_replication reported" 1 >&2) &
  SERVER=$!
  until_true 86400 is_up || return   # the recovery of a large server takes its time
  rm -f "$RUN/init.sql"
}

# shellcheck disable=SC2317  # until_true calls it
is_up() { [[ -S $RUN/mysqld.sock ]] && sql "SELECT 1"; }

keep_slow_log_small() {
  ((SECONDS >= SLOW_LOG_LOOK_S)) || return 0
  SLOW_LOG_LOOK_S=$((SECONDS + SLOW_LOG_EVERY_S))
  [[ -f $DATA/slow.log && $(stat -c %s "$DATA/slow.log") -gt $SLOW_LOG_BYTES ]] || return 0
  mv "$DATA/slow.log" "$DATA/slow.log.1"
  sql "FLUSH LOCAL SLOW LOGS"
}

# serve: one life of mysqld; its exit code.
serve() {
  start_server || { wait "${SERVER:-$$}"; return; }
  log "mysqld is up"
  while kill -0 "$SERVER" 2>/dev/null; do
    if [[ -n $LEAVING ]]; then leave; break; fi
    turn
    keep_slow_log_small
    pause "$BEAT_S"
    [[ -z $EVENT ]] || ALERT_UNTIL_S=$((SECONDS + ALERT_S))
  done
  wait "$SERVER"
}

main() {
  local code
  trap '' PIPE   # a client that ends is an answer that doesn't come
  member_begin "$RUN" || exit
  publish_role
  empty_temporary || exit 1
  initialise || exit 1
  write_options || exit 1
  while empty_temporary; do
    serve
    code=$?
    STATE=OFFLINE
    publish_role
    log "mysqld has ended with $code"
    if [[ $code != 16 || -n $LEAVING ]]; then exit "$code"; fi
  done
  exit 1
}
main "$@" </dev/null

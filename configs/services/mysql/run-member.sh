#!/usr/bin/env bash
# PID 1 of a member: makes the data folder at the first start, runs mysqld, keeps the member in its group.
# Needs what the official image has: bash, coreutils, sed, find, openssl, mysqld, mysql. It has no util-linux.
# Inputs: HOSTNAME (the member's name), DATABASE, FAILBACK_AFTER_S, files of /run/secrets.
set -uo pipefail
umask 077
cd /usr/local/lib/mysql-member || exit 1
# shellcheck source=configs/services/mysql/sql.sh
. ./sql.sh
# shellcheck source=configs/services/mysql/users.sh
. ./users.sh
# shellcheck source=configs/services/mysql/group.sh
. ./group.sh
# shellcheck source=configs/services/mysql/stop.sh
. ./stop.sh

SERVER="" ROLE_SERVER="" STOPPING=""
readonly ROLE_PORT=8306 SLOW_LOG_BYTES=67108864 TEMPORARY=/tmp

# number: this member's place in the list, its server id.
number() {
  local index
  for index in "${!MEMBERS[@]}"; do
    if [[ ${MEMBERS[index]} == "$ME" ]]; then echo $((index + 1)); return; fi
  done
  log "$ME is not among the members (${MEMBERS[*]}); the declaration names them"
  return 1
}

# empty_temporary: what a killed server left; nobody has it open, as this is only called without one.
empty_temporary() {
  find "$TEMPORARY" -mindepth 1 -delete && : >"$TEMPORARY/.writable" && rm "$TEMPORARY/.writable" && return
  log "$TEMPORARY: can't be emptied or written by user $(id -u); its volume has to be that user's, or mode 1777"
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
  local seeds id
  id=$(number) || return 1
  seeds=$(printf ',%s:33061' "${MEMBERS[@]}")
  rm -f "$RUN"/mysqld.sock* "$RUN"/mysqld.pid   # a lock left by a kill names a process id that is in use again
  initial_sql >"$RUN/init.sql"
  # With a parent named mysqld leaves with 16 for a restart (after a clone) instead of giving up.
  MYSQLD_PARENT_PID=$$ mysqld --defaults-file="$CNF" --server-id="$id" --report-host="$ME" \
    --init-file="$RUN/init.sql" --super-read-only=ON --offline-mode=ON \
    --loose-group-replication-group-name="$GROUP_NAME" \
    --loose-group-replication-local-address="$ME:33061" \
    --loose-group-replication-group-seeds="${seeds#,}" &
  SERVER=$!
  until sql <<<"SELECT 1" >/dev/null 2>&1; do
    kill -0 "$SERVER" 2>/dev/null || return 1
    sleep 0.5
  done
  rm -f "$RUN/init.sql"
}

# keep_role_server: https://<member>:8306/role for the routers, who show a certificate of the environment.
# openssl is what every image has; it serves one client at a time, so one that hangs is noticed and cut off.
keep_role_server() {
  if [[ -n $ROLE_SERVER ]] && kill -0 "$ROLE_SERVER" 2>/dev/null; then
    ((SECONDS % 5)) || role_server_answers || { log "the role's server hangs: starts it anew"; kill -KILL "$ROLE_SERVER"; }
    return
  fi
  (cd "$RUN/http" && exec openssl s_server -accept "$ROLE_PORT" -WWW -quiet -naccept 100000 \
    -cert "$SECRETS/mysql_tls_certificate" -key "$SECRETS/mysql_tls_key" \
    -CAfile "$SECRETS/internal_ca_certificate" -Verify 1 -verify_return_error >/dev/null 2>&1 </dev/null) &
  ROLE_SERVER=$!
}

role_server_answers() {
  timeout 2 openssl s_client -connect "localhost:$ROLE_PORT" -quiet -no_ign_eof \
    -cert "$SECRETS/mysql_tls_certificate" -key "$SECRETS/mysql_tls_key" \
    -CAfile "$SECRETS/internal_ca_certificate" 2>/dev/null <<<$'GET /role HTTP/1.0\r\n\r' >/dev/null
  [[ $? != 124 ]]
}

keep_slow_log_small() {
  [[ -f $DATA/slow.log && $(stat -c %s "$DATA/slow.log") -gt $SLOW_LOG_BYTES ]] || return 0
  mv "$DATA/slow.log" "$DATA/slow.log.1"
  sql <<<"FLUSH LOCAL SLOW LOGS"
}

# serve: one life of mysqld; its exit code.
serve() {
  start_server || { wait "$SERVER"; return; }
  log "mysqld is up"
  AGREED=0
  while kill -0 "$SERVER" 2>/dev/null; do
    keep_role_server
    if [[ -n $STOPPING ]]; then leave; break; fi
    step
    ((SECONDS % 300)) || keep_slow_log_small
    sleep 1 & wait $!
  done
  wait "$SERVER"
}

main() {
  local code
  mkdir -p "$RUN/http"
  put_role NONE
  trap 'STOPPING=1' TERM INT
  empty_temporary || exit 1
  initialise || exit 1
  write_options
  while empty_temporary; do
    serve
    code=$?
    put_role NONE
    log "mysqld has ended with $code"
    if [[ $code != 16 || -n $STOPPING ]]; then exit "$code"; fi
  done
  exit 1
}
main "$@" </dev/null

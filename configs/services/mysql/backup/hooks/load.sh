#!/usr/bin/env bash
# Starts a scratch server with a backup's data, at the position of its dump. Usage: load.sh FOLDER.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

main() {
  start_server
  scratch <<<"SET GLOBAL gtid_purged = '$(field "$1" position)'"
  zstd -dcq "$1/dump.sql.zst" | scratch --init-command="SET SESSION sql_log_bin = 0"
}

# start_server: without any network.
start_server() {
  mysqld --no-defaults --initialize-insecure --datadir="$SCRATCH/data" --innodb-redo-log-capacity=32M >"$SCRATCH/log" 2>&1 ||
    fail 3 "scratch server: could not be made ($(tail -n 1 "$SCRATCH/log")); is there room on the volume?"
  mysqld --no-defaults --datadir="$SCRATCH/data" --socket="$SCRATCH/sock" --pid-file="$SCRATCH/pid" --skip-networking --mysqlx=OFF \
    --skip-log-bin --gtid-mode=ON --enforce-gtid-consistency=ON --innodb-buffer-pool-size=64M --innodb-redo-log-capacity=64M \
    --innodb-flush-log-at-trx-commit=0 --performance-schema=OFF --secure-file-priv=NULL --tmpdir="$SCRATCH/data" >>"$SCRATCH/log" 2>&1 &
  echo $! >"$WORK/scratch.pid"
  until scratch <<<"SELECT 1" >/dev/null 2>&1; do
    kill -0 $! 2>/dev/null || fail 3 "scratch server: has ended ($(tail -n 1 "$SCRATCH/log"))"
    sleep 0.5
  done
}

main "$@"

#!/usr/bin/env bash
# Starts a scratch server with a backup's data, as it was at the dump's end (its oplog replayed). Usage: load.sh FOLDER.
# shellcheck source=configs/services/mongodb/backup/mongodb.sh
. "${BASH_SOURCE[0]%/*}/../mongodb.sh"

main() {
  start_server
  mongorestore --uri "$SCRATCH_URI" --archive="$1/dump.gz" --gzip --oplogReplay --stopOnError 2>"$WORK/restored" ||
    fail 1 "mongorestore: $(failure "$WORK/restored")"
  # A backup from the bucket, of an older version, comes without the report of its dump.
  [[ ! -f $1/report ]] || DUMPED=$1/report RESTORED=$WORK/restored js counts || exit 1
}

start_server() {
  mongod --dbpath "$SCRATCH" --bind_ip "$SOCKET" --wiredTigerCacheSizeGB 0.25 >"$WORK/mongod.log" 2>&1 &
  echo $! >"$WORK/scratch.pid"
  for _ in {1..120}; do
    [[ ! -S $SOCKET ]] || return 0
    kill -0 $! 2>/dev/null || fail 3 "the scratch server ended: $(tail -n 1 "$WORK/mongod.log")"
    sleep 0.5
  done
  fail 3 "the scratch server did not start within a minute"
}

main "$@"

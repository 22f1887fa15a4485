#!/usr/bin/env bash
# Starts a scratch server with a backup's data, as it was at the dump's end (its oplog replayed). Usage: load.sh FOLDER.
. "${BASH_SOURCE[0]%/*}/mongodb.sh"

main() {
  local wrong
  start_server
  mongorestore --uri "$SCRATCH_URI" --archive="$1/dump.gz" --gzip --oplogReplay --stopOnError 2>"$WORK/restored" ||
    fail 1 "mongorestore: $(failure "$WORK/restored")"
  # A backup from the bucket, of an older version, comes without the report of its dump.
  [[ -f $1/report ]] || return 0
  wrong=$(unequal <(counted 'done dumping' "$1/report") <(counted 'finished restoring' "$WORK/restored"))
  [[ -z $wrong ]] || fail 1 "dumped against restored: $wrong"
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

# counted WORDS REPORT: documents by collection, as a tool tells them: `… a.b (3 documents, 0 failures)`.
counted() { sed -nE "s/.*$1 (.+) \(([0-9]+) documents?(, 0 failures)?\).*/\1\t\2/p" "$2" | sed -E '/^(admin|config|local)\./d' | sort; }

main "$@"

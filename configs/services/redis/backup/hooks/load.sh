#!/usr/bin/env bash
# Starts a scratch server with a backup's data. Usage: load.sh FOLDER. It is a replica of nobody, which keeps keys whose
# time is over, so that the same file always gives the same digest.
# shellcheck source=configs/services/redis/backup/redis.sh
. "${BASH_SOURCE[0]%/*}/../redis.sh"

gzip -dc "$1/dump.rdb.gz" >"$SCRATCH/dump.rdb" || fail 1 "dump.rdb.gz can't be unpacked"
redis-check-rdb "$SCRATCH/dump.rdb" >"$SCRATCH/check" 2>&1 || fail 1 "redis-check-rdb: $(tail -n 1 "$SCRATCH/check")"
chown -R redis:redis "$SCRATCH"
setpriv --reuid redis --regid redis --clear-groups redis-server --port 0 --unixsocket "$SCRATCH/socket" --dir "$SCRATCH" \
  --save '' --appendonly no --enable-debug-command local --replicaof 127.0.0.1 1 >"$SCRATCH/log" 2>&1 &
echo $! >"$WORK/scratch.pid"
until [[ $(scratch info persistence 2>/dev/null | field_of loading) == 0 ]]; do
  kill -0 $! 2>/dev/null || fail 1 "scratch server: $(tail -n 1 "$SCRATCH/log")"
  sleep 0.2
done
[[ $(sed -nE 's/.* ([0-9]+) keys read$/\1/p' "$SCRATCH/check") == "$(loaded_keys)" ]] || fail 1 "the server loaded $(loaded_keys) keys, the file has another number"

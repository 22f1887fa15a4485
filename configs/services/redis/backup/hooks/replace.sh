#!/usr/bin/env bash
# Puts what the scratch server holds into the running set; prints what it holds then. The set stays up and its Sentinels
# undisturbed: applications are shut out (ACL), the master is emptied and fed all commands (AOF), the replicas follow.
# shellcheck source=configs/services/redis/backup/redis.sh
. "${BASH_SOURCE[0]%/*}/../redis.sh"

main() {
  as_user admin
  find_leader
  "$HOOKS/contents.sh" >"$WORK/wanted"
  TEMPORARY=$(scratch info keyspace | sed -nE 's/.*expires=([0-9]+).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }')
  trap let_in EXIT
  app off || true
  ask "$LEADER" client kill user app >/dev/null || fail 2 "redis: $LEADER doesn't answer, nothing was touched"
  if [[ $OVERWRITE != *" redis "* ]] && holds_data; then
    fail 2 "redis: was empty and has been written to meanwhile, nothing was touched; to overwrite it: --overwrite redis"
  fi
  ASK_LIMIT_S=60 ask "$LEADER" flushall sync >/dev/null || fail 1 "redis: $LEADER doesn't answer; repeat the restore"
  feed
  compare
  echo "$RESTORED keys on $LEADER, $(ask "$LEADER" info replication | grep -c 'state=online') replicas in sync"
}

# let_in: .restoring stays while a member still shuts applications out, and recover.sh comes later.
let_in() { app on || : >"$WORK/unfinished"; }

# feed: the append-only file of the scratch server, which has commands in it instead of an RDB.
# https://redis.io/docs/latest/develop/clients/patterns/bulk-loading/
feed() {
  local commands=$SCRATCH/appendonlydir/appendonly.aof.1.base.aof
  scratch config set aof-use-rdb-preamble no >/dev/null
  scratch config set appendonly yes >/dev/null
  until [[ -e $commands ]]; do
    [[ $(scratch info persistence | field_of aof_last_bgrewrite_status) == ok ]] || fail 1 "scratch server: $(tail -n 1 "$SCRATCH/log"); repeat the restore"
    sleep 0.2
  done
  # FLUSHALL leaves functions, and none is loaded over one of its name.
  [[ -z $(scratch function list) ]] || ask "$LEADER" function flush sync >/dev/null
  redis-cli --user admin --no-auth-warning -h "$LEADER" -p "$REDIS_PORT" --pipe <"$commands" >&2 ||
    fail 1 "redis: $LEADER did not take all of it; repeat the restore"
}

# compare: what the set holds now, copied back and loaded, against the backup. Sets RESTORED. Only keys with a time to
# live may be gone, and at most all of them.
compare() {
  local rows part=$STORE/.restored.part
  mkdir -p "$part"
  copy "$LEADER" "$part/dump.rdb" || fail 1 "redis: $LEADER broke off; repeat the restore"
  gzip "$part/dump.rdb"
  stop_scratch
  "$HOOKS/load.sh" "$part" || fail 1 "redis: what $LEADER holds can't be loaded; repeat the restore"
  rm -r "$part"
  RESTORED=$(loaded_keys)
  ! cmp -s "$WORK/wanted" <("$HOOKS/contents.sh") || return 0
  rows=$(awk '{ sum += $2 } END { print sum + 0 }' "$WORK/wanted")
  ((RESTORED <= rows && RESTORED + TEMPORARY >= rows && TEMPORARY > 0)) ||
    fail 1 "redis: holds $RESTORED keys after the restore, the backup has $rows; repeat it"
  log "$((rows - RESTORED)) of $TEMPORARY keys with a time to live ended meanwhile"
}

main "$@"

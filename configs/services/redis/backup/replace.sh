#!/usr/bin/env bash
# Puts what the scratch server holds into the running set; prints what it holds then. The set stays up and its Sentinels
# undisturbed: applications are shut out (ACL), the master is emptied and fed key by key (MIGRATE), the replicas follow.
# shellcheck source=configs/services/redis/backup/redis.sh
. "${BASH_SOURCE[0]%/*}/../redis.sh"
readonly BATCH=1000
# shellcheck disable=SC2016  # Lua
readonly FEED="local page=redis.call('SCAN',ARGV[1],'COUNT',$BATCH) if #page[2]>0 then redis.call('MIGRATE',ARGV[2],ARGV[3],'',ARGV[4],30000,'COPY','REPLACE','AUTH2','admin',ARGV[5],'KEYS',unpack(page[2])) end return page[1]"

main() {
  as_user admin
  find_leader
  "$HOOKS/contents.sh" >"$WORK/wanted"
  TEMPORARY=$(scratch info keyspace | sed -nE 's/.*expires=([0-9]+).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }')
  scratch replicaof no one >/dev/null
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

feed() {
  local database cursor answer
  for database in $(scratch info keyspace | sed -nE 's/^db([0-9]+):.*/\1/p'); do
    cursor=0
    until [[ $cursor == end ]]; do
      # By stdin, as the password is in it.
      answer=$(scratch -n "$database" <<<"eval \"$FEED\" 0 $cursor $LEADER $REDIS_PORT $database $REDISCLI_AUTH")
      [[ $answer =~ ^[0-9]+$ ]] || fail 1 "redis: $LEADER did not take a part (${answer%%$'\n'*}); repeat the restore"
      if [[ $answer == 0 ]]; then cursor=end; else cursor=$answer; fi
    done
    log "db$database: $(ask "$LEADER" -n "$database" dbsize) keys"
  done
  [[ -n $(scratch function list) ]] || return 0
  scratch function dump | head -c -1 | redis-cli --user admin --no-auth-warning -h "$LEADER" -X payload function restore payload replace >&2
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

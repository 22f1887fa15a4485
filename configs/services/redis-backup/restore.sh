#!/usr/bin/env bash
# Puts a backup back into the running set: --backup ID [--overwrite redis]. stdout: one line of result.
# The set stays up and its Sentinels undisturbed: applications are shut out (ACL), the master is emptied and
# fed key by key (MIGRATE) from a scratch server, the replicas follow by replication. What was there is
# backed up first. If it breaks off, applications are let in again (if it is killed, by run-schedule.sh) and
# the set is part-filled: repeat it.
# shellcheck source=/dev/null
source /usr/local/lib/backup/common.sh
# shellcheck source=/dev/null
source /usr/local/lib/backup/scratch.sh
readonly BATCH=1000
# shellcheck disable=SC2016  # Lua
readonly FEED="local page=redis.call('SCAN',ARGV[1],'COUNT',$BATCH) if #page[2]>0 then redis.call('MIGRATE',ARGV[2],ARGV[3],'',ARGV[4],30000,'COPY','REPLACE','AUTH2','admin',ARGV[5],'KEYS',unpack(page[2])) end return page[1]"

main() {
  local id='' overwrite=''
  while (($#)); do
    case $1 in
      --backup) id=${2:-} ;;
      --overwrite) overwrite+=" ${2:-} " ;;
      --until) refuse "redis: has no point in time to restore to, only whole backups; leave --until out" ;;
      *) refuse "restore: $1 is unknown; --backup ID [--overwrite redis]" ;;
    esac
    shift 2 || refuse "restore: the last option lacks its value"
  done
  known_backup "${id:-none}"
  take_lock
  REDISCLI_AUTH=$(secret redis_admin_password)
  export ASK_AS=admin
  LEADER=$(leaders)
  [[ -n $LEADER && $LEADER != *$'\n'* ]] || die "redis: no single master (${LEADER:-none}); see: python -m ops status"
  local holds=''
  read_keyspace
  if [[ $KEYSPACE == *$'\n'db* ]]; then
    holds=yes
    [[ $overwrite == *" redis "* ]] || refuse "redis: holds data, which would be lost; to overwrite it: --overwrite redis"
  fi
  log "checking backup $id"
  prove "$id" || exit 1
  TEMPORARY=$(scratch info keyspace | sed -nE 's/.*expires=([0-9]+).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }')
  drop_scratch
  [[ -z $holds ]] || keep_present
  load_scratch "$BACKUPS/$id/$DUMP" live || die "backup $id: can't be loaded"
  # shellcheck disable=SC2034  # scratch.sh runs it
  AT_EXIT='app on'
  app off
  ask "$LEADER" "$REDIS_PORT" client kill user app >/dev/null || die "redis: $LEADER doesn't answer, nothing was touched"
  read_keyspace
  [[ -n $holds || $KEYSPACE != *$'\n'db* ]] ||
    refuse "redis: was empty and has been written to meanwhile, nothing was touched; to overwrite it: --overwrite redis"
  ask "$LEADER" "$REDIS_PORT" flushall sync >/dev/null || die "redis: $LEADER doesn't answer; repeat the restore"
  feed
  compare "$id"
  echo "redis holds backup $id: $RESTORED keys on $LEADER, $REPLICAS replicas in sync"
}

# Sets KEYSPACE, one line for each database that isn't empty. No answer doesn't mean that there is none.
read_keyspace() {
  KEYSPACE=$(ask "$LEADER" "$REDIS_PORT" info keyspace) || KEYSPACE=''
  [[ $KEYSPACE == *'# Keyspace'* ]] ||
    die "redis: $LEADER doesn't answer, nothing was touched; see: python -m ops status"
}

keep_present() {
  log "backing up what is there"
  ASK_AS=backup REDISCLI_AUTH=$(secret redis_backup_password) /usr/local/lib/backup/make-backup.sh before-restore >/dev/null ||
    die "redis: what is there could not be backed up first, nothing was touched; see above"
}

feed() {
  local database cursor answer
  if [[ $(scratch info keyspace | grep -c '^db') == 0 ]]; then return; fi
  for database in $(scratch info keyspace | sed -nE 's/^db([0-9]+):.*/\1/p'); do
    cursor=0
    until [[ $cursor == end ]]; do
      # By stdin, as the password is in it.
      answer=$(scratch -n "$database" <<<"eval \"$FEED\" 0 $cursor $LEADER $REDIS_PORT $database $REDISCLI_AUTH")
      [[ $answer =~ ^[0-9]+$ ]] || die "redis: $LEADER did not take a part (${answer%%$'\n'*}); repeat the restore"
      cursor=$answer
      [[ $cursor != 0 ]] || cursor=end
    done
    log "db$database: $(ask "$LEADER" "$REDIS_PORT" -n "$database" dbsize) keys"
  done
  if [[ $(scratch function list) ]]; then
    scratch function dump | head -c -1 |
      redis-cli --user admin --no-auth-warning -h "$LEADER" -X payload function restore payload replace >&2
  fi
}

# What the set holds now, copied back and loaded, against the backup. Keys whose time ended are counted.
compare() {
  local wanted rows part
  wanted=$(manifest_contents "$1")
  part=$(mktemp -d "$BACKUPS/.scratch.XXXXXX")
  redis-cli --user admin --no-auth-warning -h "$LEADER" --rdb "$part/dump.rdb" >&2 || die "redis: $LEADER broke off; repeat the restore"
  gzip "$part/dump.rdb"
  load_scratch "$part/$DUMP" held || die "redis: what $LEADER holds can't be loaded; repeat the restore"
  rm -rf "$part"
  RESTORED=$(loaded_keys)
  REPLICAS=$(ask "$LEADER" "$REDIS_PORT" info replication | grep -c 'state=online')
  [[ $(contents_of) == "$wanted" ]] && return
  # Only keys with a time to live may be gone, and at most all of them.
  rows=$(grep -oE '"rows":[0-9]+' <<<"$wanted" | awk -F: '{ sum += $2 } END { print sum + 0 }')
  ((RESTORED <= rows && RESTORED + TEMPORARY >= rows && TEMPORARY > 0)) ||
    die "redis: holds $RESTORED keys after the restore, backup $1 has $rows; repeat it"
  log "$((rows - RESTORED)) of $TEMPORARY keys with a time to live ended meanwhile"
}

main "$@" </dev/null

#!/usr/bin/env bash
# Copies the data set of a replica as an RDB. Usage: dump.sh FOLDER CONTENTS; what it holds is told by its first restore.
# shellcheck source=configs/services/redis/backup/redis.sh
. "${BASH_SOURCE[0]%/*}/../redis.sh"

main() {
  local before after
  as_user backup
  choose_source
  log "reads from $SOURCE"
  before=$(position)
  copy "$SOURCE" "$1/dump.rdb" || fail 1 "redis: $SOURCE broke off; try again"
  after=$(position)
  check_position "$1/dump.rdb" "$before" "$after"
  gzip --no-name "$1/dump.rdb"
  printf '%s=%s\n' source "$SOURCE" position "$POSITION" server_version "$(ask "$SOURCE" info server | field_of redis_version)"
}

# choose_source: sets SOURCE to a replica in sync, the last declared first; the master only when there is none.
choose_source() {
  local member info master=''
  SOURCE=''
  for member in $REDIS_MEMBERS; do
    info=$(ask "$member" info replication) || continue
    [[ $info != *role:master* ]] || master=$member
    [[ $info != *master_link_status:up* || $info != *master_sync_in_progress:0* ]] || SOURCE=$member
  done
  [[ -n $SOURCE ]] || { SOURCE=$master && log "no replica is in sync"; }
  [[ -n $SOURCE ]] || fail 1 "redis: no member answers in a state to copy; see: python -m ops status"
}

# position: replication ID and offset of the source.
position() {
  ask "$SOURCE" info replication | awk -F: '{ sub(/\r$/, "") } /^master_replid:/ { id = $2 } /^master_repl_offset:/ { print id ":" $2 }'
}

# check_position FILE BEFORE AFTER: the file names the point of the stream at which it was taken. It must be this set's,
# and of now. Sets POSITION.
check_position() {
  local id offset check
  check=$(redis-check-rdb "$1") || fail 1 "redis: what was read is no whole RDB; try again"
  id=$(sed -nE "s/.*AUX FIELD repl-id = '(.*)'/\1/p" <<<"$check")
  offset=$(sed -nE "s/.*AUX FIELD repl-offset = '(.*)'/\1/p" <<<"$check")
  POSITION=$id:$offset
  [[ -n $id && $id == "${2%:*}" && $id == "${3%:*}" && $offset -ge ${2#*:} && $offset -le ${3#*:} ]] ||
    fail 1 "redis: read $POSITION, expected between $2 and $3; a failover meanwhile? try again"
}

main "$@"

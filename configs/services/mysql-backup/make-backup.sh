#!/usr/bin/env bash
# Makes a backup and proves it. Usage: make-backup.sh scheduled|manual; prints the ID. Contract:
# docs/decisions/0016-backups.md
set -euo pipefail
# shellcheck source=configs/services/mysql-backup/lib.sh
. /usr/local/lib/backup/lib.sh
# shellcheck source=configs/services/mysql-backup/scratch.sh
. /usr/local/lib/backup/scratch.sh

# session NAME: a connection to SOURCE that reads SQL from a file descriptor, answers into /tmp/NAME.out.
session() {
  : >"/tmp/$1.out"
  rm -f "/tmp/$1.in"
  mkfifo "/tmp/$1.in"
  mysql --defaults-file="$BACKUP_OPTIONS" --host="$SOURCE" -NBn <"/tmp/$1.in" >"/tmp/$1.out" 2>"/tmp/$1.error" 9>&- &
}

# answered NAME WORD PID: waits until the session has said it.
answered() {
  local deadline=$((SECONDS + 60))
  while ((SECONDS < deadline)); do
    grep -qxF "$2" "/tmp/$1.out" && return
    kill -0 "$3" 2>/dev/null || fail 1 "$SOURCE: $(tail -n 1 "/tmp/$1.error")"
    sleep 0.1
  done
  fail 1 "$SOURCE: no answer to $1 within a minute; is a long transaction running there?"
}

# dump: the lock is held only until dump and checksums have their snapshots, all of the same moment.
dump() {
  local schemas locker reader lock_fd read_fd dumper
  ask "$SOURCE" <<<"$COLUMNS_SQL" | checksum_sql >/tmp/checksums.sql
  mapfile -t schemas < <(ask "$SOURCE" <<<"$SCHEMAS_SQL")
  ((${#schemas[@]})) || fail 1 "$SOURCE: has no database to back up"
  session lock; locker=$!; exec {lock_fd}>/tmp/lock.in
  session read; reader=$!; exec {read_fd}>/tmp/read.in
  echo "FLUSH TABLES WITH READ LOCK; SELECT 'locked';" >&"$lock_fd"
  answered lock locked "$locker"
  echo "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT 'begun';" >&"$read_fd"
  answered read begun "$reader"
  printf '%s\n' "SELECT CONCAT('position ', REPLACE(@@GLOBAL.gtid_executed, CHAR(10), ''));" >&"$lock_fd"
  mysqldump --defaults-file="$BACKUP_OPTIONS" --host="$SOURCE" --single-transaction --set-gtid-purged=OFF --routines --triggers \
    --events --hex-blob --no-tablespaces --databases "${schemas[@]}" 9>&- | tee >(head -c 64 >/tmp/dump.begun; cat >/dev/null) | zstd -q -3 >"$PART/dump.sql.zst" &
  dumper=$!
  until_dump_reads "$dumper"
  echo "UNLOCK TABLES;" >&"$lock_fd"; exec {lock_fd}>&-
  { cat /tmp/checksums.sql; echo "COMMIT;"; } >&"$read_fd"; exec {read_fd}>&-
  wait "$dumper" || fail 1 "$SOURCE: mysqldump failed; see the lines above"
  wait "$reader" || fail 1 "$SOURCE: checksums: $(tail -n 1 /tmp/read.error)"
  wait "$locker" || fail 1 "$SOURCE: lock: $(tail -n 1 /tmp/lock.error)"
  zstd -dcq "$PART/dump.sql.zst" | tail -n 1 | grep -q '^-- Dump completed' || fail 1 "$SOURCE: the dump has no end"
}

# until_dump_reads PID: its snapshot exists once a session of ours reads in a transaction.
until_dump_reads() {
  local deadline=$((SECONDS + 60))
  while kill -0 "$1" 2>/dev/null && [[ ! -s /tmp/dump.begun ]] && ((SECONDS < deadline)); do sleep 0.1; done
}

describe() {
  local position contents
  position=$(sed -n 's/^position //p' /tmp/lock.out)
  [[ -n $position ]] || fail 1 "$SOURCE: gave no position"
  contents=$(sed '/^begun$/d' /tmp/read.out | as_json)
  jq -n --arg id "$ID" --arg made "$(date -u +%FT%TZ)" --arg reason "$1" --arg source "$SOURCE" --arg position "$position" \
    --arg version "$(ask "$SOURCE" <<<'SELECT @@version')" --argjson contents "$contents" --argjson files "$(files_json "$PART")" \
    '{id: $id, service: "mysql", made_at: $made, reason: $reason, source: $source, server_version: $version,
      position: $position, contents: $contents, files: $files, state: "unproven", proven_at: null}' >"$PART/manifest.json"
}

# shellcheck disable=SC2016  # jq's own variable
# join_archive: notes of which line of binary logs the backup is. It begins one where there is none, or where it can't
# be gone on with. Restores stay within a line: what another has may be another life's, or have a gap before it.
join_archive() {
  local code=0
  mkdir -p "$BINLOGS"
  [[ ! -f $BINLOGS/position ]] || /usr/local/lib/backup/archive-binlogs.sh >/dev/null || code=$?
  if [[ ! -f $BINLOGS/position || $code == 3 ]]; then
    lock_archive
    set_position "$(jq -r .position "$PART/manifest.json")" "$ID"
    rm -f "$BINLOGS/ended"
    log "binary logs: a new line begins with $ID"
  fi
  note "$PART" '.line = $line' --arg line "$(current_line)"
}

# settle_retention: the newest BACKUP_KEEP proven ones stay; what is older than BACKUP_KEEP_DAYS besides goes.
settle_retention() {
  local id state kept=0 oldest="" limit
  limit=$(date -u -d "-${BACKUP_KEEP_DAYS} days" +%Y%m%dT%H%M%SZ)
  for id in $(find "$STORE" -maxdepth 1 -name '2*Z' -printf '%f\n' | sort -r); do
    state=$(jq -r .state "$STORE/$id/manifest.json")
    [[ $state != proven ]] || kept=$((kept + 1))
    if [[ $id < $limit && ( $kept -gt $BACKUP_KEEP || $state != proven ) ]]; then
      rm -rf "${STORE:?}/$id"
      log "retention: $id is gone"
    elif [[ $state == proven ]]; then
      oldest=$id
    fi
  done
  [[ -z $oldest ]] || forget_binlogs "$oldest"
}

# forget_binlogs ID: what ended an hour before the oldest backup isn't needed for any moment after it.
forget_binlogs() {
  local file limit
  limit=$(date -u -d "$(jq -r .made_at "$STORE/$1/manifest.json") -1 hour" +%Y%m%dT%H%M%SZ)
  for file in "$BINLOGS"/2*.json; do
    [[ -e $file && ${file##*/} < $limit ]] && rm -f "$file" "${file%.json}.sql.zst"
  done
  return 0
}

main() {
  local why
  one_at_a_time
  BACKUP_OPTIONS=$(options backup mysql_backup_password)
  SOURCE=$(choose_source) || exit 1
  ID=$(date -u +%Y%m%dT%H%M%SZ) PART=$STORE/.$ID.part
  rm -rf "$STORE"/.*.part
  mkdir "$PART"
  log "backup $ID: reads from $SOURCE"
  dump
  describe "${1:?scheduled or manual}"
  log "backup $ID: $(jq -r '"\(.contents | length) tables, \([.contents[].rows] | add // 0) rows, \(.files["dump.sql.zst"].bytes) bytes"' "$PART/manifest.json"); proves it by a restore"
  if why=$(prove "$PART"); then
    note "$PART" '.state = "proven" | .proven_at = (now | todate)'
  else
    note_bad "$PART" "$why"
    mv "$PART" "$STORE/$ID"
    fail 1 "backup $ID is bad: $why"
  fi
  join_archive
  mv "$PART" "$STORE/$ID"
  log "backup $ID: proven"
  settle_retention
  echo "$ID"
}
main "$@" </dev/null

#!/usr/bin/env bash
# Dumps every database of a secondary, with what it holds in the same moment. Usage: dump.sh FOLDER CONTENTS.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

main() {
  local position
  PART=$1
  BACKUP_OPTIONS=$(options backup)
  SOURCE=$(choose_source) || exit
  log "reads from $SOURCE"
  dump
  position=$(sed -n 's/^position //p' "$WORK/lock.out")
  [[ -n $position ]] || fail 1 "$SOURCE: gave no position"
  sed '/^begun$/d' "$WORK/read.out" >"$2"
  printf '%s=%s\n' source "$SOURCE" server_version "$(ask "$SOURCE" <<<'SELECT @@version')" position "$position"
}

# session NAME: a connection to SOURCE that reads SQL from a file descriptor, answers into $WORK/NAME.out.
session() {
  : >"$WORK/$1.out"
  rm -f "$WORK/$1.in"
  mkfifo "$WORK/$1.in"
  mysql --defaults-file="$BACKUP_OPTIONS" --host="$SOURCE" -NBn <"$WORK/$1.in" >"$WORK/$1.out" 2>"$WORK/$1.error" &
}

# answered NAME WORD PID: waits until the session has said it.
answered() {
  local deadline=$((SECONDS + 60))
  while ((SECONDS < deadline)); do
    grep -qxF "$2" "$WORK/$1.out" && return
    kill -0 "$3" 2>/dev/null || fail 1 "$SOURCE: $(tail -n 1 "$WORK/$1.error")"
    sleep 0.1
  done
  fail 1 "$SOURCE: no answer to $1 within a minute; is a long transaction running there?"
}

# dump: the lock is held only until dump and checksums have their snapshots, all of the same moment.
dump() {
  local schemas locker reader lock_fd read_fd dumper
  ask "$SOURCE" <<<"$COLUMNS_SQL" | checksum_sql >"$WORK/checksums.sql"
  mapfile -t schemas < <(ask "$SOURCE" <<<"$SCHEMAS_SQL")
  ((${#schemas[@]})) || fail 1 "$SOURCE: has no database to back up"
  session lock; locker=$!; exec {lock_fd}>"$WORK/lock.in"
  session read; reader=$!; exec {read_fd}>"$WORK/read.in"
  echo "FLUSH TABLES WITH READ LOCK; SELECT 'locked';" >&"$lock_fd"
  answered lock locked "$locker"
  echo "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT 'begun';" >&"$read_fd"
  answered read begun "$reader"
  printf '%s\n' "SELECT CONCAT('position ', REPLACE(@@GLOBAL.gtid_executed, CHAR(10), ''));" >&"$lock_fd"
  mysqldump --defaults-file="$BACKUP_OPTIONS" --host="$SOURCE" --single-transaction --set-gtid-purged=OFF --routines --triggers \
    --events --hex-blob --no-tablespaces --databases "${schemas[@]}" | tee >(head -c 64 >"$WORK/dump.begun"; cat >/dev/null) | zstd -q -3 >"$PART/dump.sql.zst" &
  dumper=$!
  until_dump_reads "$dumper"
  echo "UNLOCK TABLES;" >&"$lock_fd"; exec {lock_fd}>&-
  { cat "$WORK/checksums.sql"; echo "COMMIT;"; } >&"$read_fd"; exec {read_fd}>&-
  wait "$dumper" || fail 1 "$SOURCE: mysqldump failed; see the lines above"
  wait "$reader" || fail 1 "$SOURCE: checksums: $(tail -n 1 "$WORK/read.error")"
  wait "$locker" || fail 1 "$SOURCE: lock: $(tail -n 1 "$WORK/lock.error")"
  zstd -dcq "$PART/dump.sql.zst" | tail -n 1 | grep -q '^-- Dump completed' || fail 1 "$SOURCE: the dump has no end"
}

# until_dump_reads PID: its snapshot exists once a session of ours reads in a transaction.
until_dump_reads() {
  local deadline=$((SECONDS + 60))
  while kill -0 "$1" 2>/dev/null && [[ ! -s $WORK/dump.begun ]] && ((SECONDS < deadline)); do sleep 0.1; done
}

main "$@"

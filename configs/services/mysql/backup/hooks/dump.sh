#!/usr/bin/env bash
# Dumps every database of a secondary, with what it holds in the same moment. Usage: dump.sh FOLDER CONTENTS.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

main() {
  local schemas session say hear position code=0
  BACKUP_OPTIONS=$(options backup)
  SOURCE=$(choose_source) || exit
  log "reads from $SOURCE"
  ask "$SOURCE" <<<"$CHECKSUMS_SQL" >"$WORK/checksums.sql"
  mapfile -t schemas < <(ask "$SOURCE" <<<"$SCHEMAS_SQL")
  ((${#schemas[@]})) || fail 1 "$SOURCE: has no database to back up"
  mkfifo "$WORK/say" "$WORK/hear"
  mysql --defaults-file="$BACKUP_OPTIONS" --host="$SOURCE" -NBn <"$WORK/say" >"$WORK/hear" 2>"$WORK/error" &
  session=$!
  exec {say}>"$WORK/say" {hear}<"$WORK/hear"
  # The global lock outlives START TRANSACTION, and holds until mysqldump has its snapshot as well.
  echo "FLUSH TABLES WITH READ LOCK; SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT REPLACE(@@GLOBAL.gtid_executed, CHAR(10), '');" >&"$say"
  IFS= read -r -t 60 -u "$hear" position || code=$?
  ((code <= 128)) || fail 1 "$SOURCE: no lock within a minute; is a long transaction running there?"
  [[ -n $position ]] || fail 1 "$SOURCE: gave no position: $(tail -n 1 "$WORK/error")"
  mysqldump --defaults-file="$BACKUP_OPTIONS" --host="$SOURCE" --single-transaction --set-gtid-purged=OFF --routines --triggers \
    --events --hex-blob --no-tablespaces --databases "${schemas[@]}" | unlock_when_read "$say" | zstd -q -3 >"$1/dump.sql.zst" ||
    fail 1 "$SOURCE: mysqldump failed; see the lines above"
  cat "$WORK/checksums.sql" >&"$say" &
  exec {say}>&-
  cat <&"$hear" >"$2"
  wait "$session" || fail 1 "$SOURCE: checksums: $(tail -n 1 "$WORK/error")"
  zstd -dcq "$1/dump.sql.zst" | tail -n 1 | grep -q '^-- Dump completed' || fail 1 "$SOURCE: the dump has no end"
  printf '%s=%s\n' source "$SOURCE" server_version "$(ask "$SOURCE" <<<'SELECT @@version')" position "$position"
}

# unlock_when_read FD: passes the dump on. Its first line comes with what was read in its transaction.
unlock_when_read() {
  local first
  IFS= read -r -t 60 first || first=''
  echo "UNLOCK TABLES;" >&"$1"
  printf '%s\n' "$first"
  cat
}

main "$@"

#!/usr/bin/env bash
# Puts databases of the scratch server into the group, as new transactions. Usage: replace.sh DATABASE…; prints what
# came of it.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

main() {
  local differs
  RESTORE_OPTIONS=$(options restore)
  mysqldump --no-defaults --socket="$SCRATCH/sock" --user=root --single-transaction --set-gtid-purged=OFF --routines --triggers --events \
    --hex-blob --no-tablespaces --add-drop-database --databases "$@" | live --binary-mode ||
    fail 1 "mysql: stopped half-way; the live data is incomplete; run the same again"
  "$HOOKS/contents.sh" >"$WORK/wanted"
  live <<<"$CHECKSUMS_SQL" | live >"$WORK/restored" || fail 1 "mysql: restored, but it can't be asked what it holds; see above"
  differs=$(differing "$@")
  echo "$* from $(wc -l <"$WORK/wanted") tables${differs:+; the live data differs already, so somebody is writing to it: $differs}"
}

# differing DATABASE…: their tables that are not the same any more.
differing() {
  sort "$WORK/wanted" "$WORK/restored" | uniq -u | cut -f 1 | sort -u |
    awk -F. -v names=" $* " 'index(names, " " $1 " ")' | paste -sd' '
}

main "$@"

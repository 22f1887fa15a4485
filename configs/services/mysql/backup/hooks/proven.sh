#!/usr/bin/env bash
# Notes in a backup's manifest which line of binary logs follows it. Usage: proven.sh FOLDER. It begins one where there is
# none, or where it can't be gone on with. Restores stay within a line: another one may be another life's, or have a gap.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

code=0
mkdir -p "$BINLOGS"
[[ ! -f $BINLOGS/position ]] || "$HOOKS/archive.sh" >/dev/null || code=$?
if [[ ! -f $BINLOGS/position || $code == 3 ]]; then
  id=$(field "$1" id)
  lock_archive
  set_position "$(field "$1" position)" "$id"
  rm -f "$BINLOGS/ended"
  log "binary logs: a new line begins with $id"
fi
note "$1" line "\"$(current_line)\""

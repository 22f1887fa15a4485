#!/usr/bin/env bash
# Removes binary logs that ended an hour before the oldest backup: no moment after it needs them. Usage: retained.sh ID.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

[[ -n $1 ]] || exit 0
limit=$(date -u -d "$(field "$STORE/$1" made_at) -1 hour" +%Y%m%dT%H%M%SZ)
for file in "$BINLOGS"/2*.json; do
  if [[ -e $file && ${file##*/} < $limit ]]; then rm -f "$file" "${file%.json}.sql.zst"; fi
done

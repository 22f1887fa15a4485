#!/usr/bin/env bash
# Proves a backup again. Usage: verify-backup.sh ID. Contract: docs/decisions/0016-backups.md
set -euo pipefail
# shellcheck source=configs/services/mysql-backup/lib.sh
. /usr/local/lib/backup/lib.sh
# shellcheck source=configs/services/mysql-backup/scratch.sh
. /usr/local/lib/backup/scratch.sh

main() {
  local why folder=$STORE/${1:?ID of a backup}
  [[ $1 =~ ^[0-9TZ]+$ && -f $folder/manifest.json ]] || fail 2 "backup $1: there is none; see list-backups.sh"
  one_at_a_time
  if why=$(prove "$folder"); then
    note "$folder" '.state = "proven" | .proven_at = (now | todate) | del(.why)'
    echo "$1 proven"
    return
  fi
  note_bad "$folder" "$why"
  fail 1 "backup $1 is bad: $why"
}
main "$@" </dev/null

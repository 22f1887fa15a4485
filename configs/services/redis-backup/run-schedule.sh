#!/usr/bin/env bash
# PID 1 of redis-backup: a backup at each turn, sleep between; one that fails is logged and tried next turn.
# Inputs: BACKUP_AT (HH:MM, UTC, daily) or BACKUP_EVERY_S; BACKUP_KEEP, BACKUP_KEEP_DAYS.
# shellcheck source=/dev/null
source /usr/local/lib/backup/common.sh

main() {
  [[ -n ${BACKUP_EVERY_S:-} || ${BACKUP_AT:-} =~ ^[0-2][0-9]:[0-5][0-9]$ ]] ||
    die "redis-backup: neither BACKUP_EVERY_S nor BACKUP_AT (HH:MM); set one"
  trap 'exit 0' TERM INT
  keep_hosts
  while true; do
    local pause
    pause=$(seconds_to_next)
    log "next backup in $pause s"
    nap "$pause"
    /usr/local/lib/backup/make-backup.sh scheduled >/dev/null || log "backup failed; next try at the next turn"
  done
}

seconds_to_next() {
  [[ -z ${BACKUP_EVERY_S:-} ]] || { echo "$BACKUP_EVERY_S" && return; }
  local now turn
  now=$(date -u +%s)
  turn=$(date -u -d "$BACKUP_AT" +%s)
  ((turn > now)) || turn=$((turn + 86400))
  echo $((turn - now))
}

main "$@" </dev/null

#!/usr/bin/env bash
# PID 1: backups by the schedule, binary logs in between. A failure is logged and tried again later.
# Inputs: BACKUP_EVERY_S or BACKUP_AT, BINLOG_EVERY_S; what make-backup.sh takes.
set -uo pipefail

readonly LIB=/usr/local/lib/backup RETRY_S=600

# next_backup: seconds since 1970 of the next turn, after the newest proven backup.
next_backup() {
  local last today
  last=$("$LIB/list-backups.sh" | jq -rs '[.[] | select(.state == "proven") | .made_at] | max // "1970-01-01T00:00:00Z"')
  last=$(date -u -d "$last" +%s)
  if [[ -n ${BACKUP_EVERY_S:-} ]]; then echo $((last + BACKUP_EVERY_S)); return; fi
  today=$(date -u -d "today $BACKUP_AT" +%s)
  # The first one at once; else the turn of today, or of tomorrow if that was kept.
  if ((last == 0)); then echo 0; elif ((last < today)); then echo "$today"; else echo $((today + 86400)); fi
}

# sound_schedule: BACKUP_EVERY_S, which goes first, is a number; or BACKUP_AT is a time of the day.
sound_schedule() {
  if [[ -n ${BACKUP_EVERY_S:-} ]]; then [[ $BACKUP_EVERY_S =~ ^[1-9][0-9]*$ ]]; return; fi
  [[ ${BACKUP_AT:-} =~ ^([01][0-9]|2[0-3]):[0-5][0-9]$ ]]
}

# meanwhile COMMAND…: runs it, signing in all along; its exit code.
meanwhile() {
  "$@" &
  local job=$!
  while kill -0 "$job" 2>/dev/null; do touch /tmp/alive; sleep 2 & wait $!; done
  wait "$job"
}

main() {
  local binlogs_at=0 not_before=0 now
  if ! sound_schedule; then
    echo "mysql-backup: neither BACKUP_EVERY_S (seconds) nor BACKUP_AT (HH:MM) is sound; correct one" >&2
    exit 1
  fi
  trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM INT
  while true; do
    touch /tmp/alive
    now=$(date +%s)
    if ((now >= $(next_backup) && now >= not_before)); then
      meanwhile "$LIB/make-backup.sh" scheduled >/dev/null || not_before=$((now + RETRY_S))
    elif ((now >= binlogs_at)); then
      meanwhile "$LIB/archive-binlogs.sh" >/dev/null || true
      binlogs_at=$((now + BINLOG_EVERY_S))
    fi
    sleep 5 & wait $!
  done
}
main </dev/null

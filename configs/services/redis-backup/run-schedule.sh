#!/usr/bin/env bash
# PID 1 of redis-backup: a backup at each turn, sleep between; one that fails is logged and tried next turn.
# Lets applications in again after a restore that was killed, and doesn't end while one is running.
# Inputs: BACKUP_AT (HH:MM, UTC, daily) or BACKUP_EVERY_S; BACKUP_KEEP, BACKUP_KEEP_DAYS.
# shellcheck source=/dev/null
source /usr/local/lib/backup/common.sh
#: Below stop.grace_s of service.yaml.
readonly LEAVE_S=50

main() {
  sound_schedule || die "redis-backup: neither BACKUP_EVERY_S (seconds) nor BACKUP_AT (HH:MM) is sound; correct one"
  trap leave TERM INT
  keep_hosts
  while true; do
    local pause
    pause=$(seconds_to_next)
    log "next backup in $pause s"
    rest "$pause"
    /usr/local/lib/backup/make-backup.sh scheduled >/dev/null &
    wait $! || log "backup failed; next try at the next turn"
  done
}

# sound_schedule: BACKUP_EVERY_S, which goes first, is a number; or BACKUP_AT is a time of the day.
sound_schedule() {
  if [[ -n ${BACKUP_EVERY_S:-} ]]; then [[ $BACKUP_EVERY_S =~ ^[1-9][0-9]*$ ]]; return; fi
  [[ ${BACKUP_AT:-} =~ ^([01][0-9]|2[0-3]):[0-5][0-9]$ ]]
}

# All else in this container is killed when PID 1 ends: a restore would leave the set part-filled.
leave() {
  exec 9>&-
  flock -w $LEAVE_S "$BACKUPS/lock" true || log "stopping though a backup or restore is still running"
  exit 0
}

# Sleep, and look now and then.
rest() {
  local end=$((SECONDS + $1)) left
  let_in
  while ((SECONDS < end)); do
    left=$((end - SECONDS))
    nap $((left < 5 ? left : 5))
    let_in
  done
}

# Applications that are shut out though nobody holds the lock: their restore was killed.
let_in() {
  [[ -e $APP_OFF ]] || return 0
  exec 9>"$BACKUPS/lock"
  if flock -n 9; then
    ASK_AS=admin REDISCLI_AUTH=$(secret redis_admin_password) app on
    [[ -e $APP_OFF ]] || log "a restore was killed; applications are let in again: repeat the restore"
  fi
  exec 9>&-
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

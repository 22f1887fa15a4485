#!/usr/bin/env bash
# PID 1: backups by the schedule, the store's archive in between. While nothing is due it starts no process.
# Inputs: lib.sh; BINLOG_EVERY_S where the store has an archive.
. "${BASH_SOURCE[0]%/*}/lib.sh"
#: ALIVE is touched at every beat, also during a backup, for the health check.
readonly BEAT_S=${BEAT_S:-15} RETRY_S=${RETRY_S:-600} ALIVE=${ALIVE:-/tmp/alive}

main() {
  local due
  JOB='' ARCHIVE_AT=$((1 << 40))
  sound_schedule ||
    fail 1 "$DATA-backup: neither BACKUP_EVERY_S '${BACKUP_EVERY_S:-}' (seconds) nor BACKUP_AT '${BACKUP_AT:-}' (HH:MM, UTC) is a schedule; correct one"
  if has_hook archive; then ARCHIVE_AT=0; fi
  rm -f "$WORK.run"
  mkdir -p "$WORK.events"
  member_begin "$WORK.events"
  next_turn
  while [[ -z $LEAVING ]]; do
    : >"$ALIVE"
    if [[ -n $JOB ]]; then end_job; else begin_job; fi
    due=$(((NEXT < ARCHIVE_AT ? NEXT : ARCHIVE_AT) - EPOCHSECONDS))
    if [[ -n $JOB ]] || ((due > BEAT_S)); then due=$BEAT_S; fi
    pause $((due > 0 ? due : 1))
  done
  leave
}

# sound_schedule: BACKUP_EVERY_S, which goes first, is a number; or BACKUP_AT is a time of the day.
sound_schedule() {
  if [[ -n ${BACKUP_EVERY_S:-} ]]; then [[ $BACKUP_EVERY_S =~ ^[1-9][0-9]*$ ]]; else [[ ${BACKUP_AT:-} =~ ^([01][0-9]|2[0-3]):[0-5][0-9]$ ]]; fi
}

# next_turn: sets NEXT, in seconds since 1970: the first turn after the newest proven backup, so one that was missed
# lies in the past.
next_turn() {
  local id day made=0
  for id in $(backups | sort -r); do
    if [[ $(state_of "$STORE/$id") == proven ]]; then made=$(date -u -d "${id:0:8} ${id:9:2}:${id:11:2}:${id:13:2}" +%s) && break; fi
  done
  if [[ -n ${BACKUP_EVERY_S:-} ]]; then
    NEXT=$((made + BACKUP_EVERY_S))
  else
    day=$((made / 86400 * 86400 + 10#${BACKUP_AT%:*} * 3600 + 10#${BACKUP_AT#*:} * 60))
    NEXT=$((made < day ? day : day + 86400))
  fi
  ((NEXT <= EPOCHSECONDS)) || log "the next backup is due at $(printf '%(%FT%TZ)T' "$NEXT")"
}

# begin_job: at a turn the newest backup is looked at again, for one by hand may have kept it.
begin_job() {
  [[ ! -e $STORE/.restoring ]] || tell_of_restore
  if ((EPOCHSECONDS >= NEXT)); then
    next_turn
    ((EPOCHSECONDS < NEXT)) || start "$LIBRARY/make-backup.sh" scheduled
  elif ((EPOCHSECONDS >= ARCHIVE_AT)); then
    start "$HOOKS/archive.sh"
  fi
}

# start COMMAND…: in the background; its end is an event.
start() {
  JOB_NAME=${1##*/}
  (code=0; "$@" >/dev/null </dev/null || code=$?; wake ended; exit "$code") &
  JOB=$!
}

end_job() {
  local code=0
  [[ $EVENT == ended ]] || ! kill -0 "$JOB" 2>/dev/null || return 0
  wait "$JOB" || code=$?
  JOB=''
  if [[ $JOB_NAME == archive.sh ]]; then ARCHIVE_AT=$((EPOCHSECONDS + BINLOG_EVERY_S)); return; fi
  if ((code == 0)); then next_turn; return; fi
  NEXT=$((EPOCHSECONDS + RETRY_S))
  log "the backup failed (above); the next try is at $(printf '%(%FT%TZ)T' "$NEXT")"
}

# tell_of_restore: one that was killed, unless it is still running. recover.sh undoes what it did beside the data.
tell_of_restore() (
  flock -n 9 || return 0
  end_killed_run
  ! has_hook recover || hook recover || return 0
  log "the restore of $(<"$STORE/.restoring") did not end, so the live data may be incomplete: repeat it"
  rm -f "$STORE/.restoring"
) 9>>"$STORE/lock"

# leave: whatever runs in the container is killed when PID 1 ends. A scheduled backup may be; others have time to end.
leave() {
  local group what=''
  [[ ! -s $WORK.run ]] || read -r group what <"$WORK.run"
  [[ $what != scheduled ]] || kill -KILL -- "-$group" 2>/dev/null || true
  flock -w "$((STOP_GRACE_S > 20 ? STOP_GRACE_S - 10 : 10))" "$STORE/lock" true || log "stops though a backup or restore is still running"
}

main "$@" </dev/null

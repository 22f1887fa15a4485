#!/usr/bin/env bash
# PID 1: a backup every day at BACKUP_AT (UTC), or every BACKUP_EVERY_S seconds. A failed one is tried again
# at the next turn; this never ends by itself.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  trap 'exit 0' TERM INT
  sound_schedule || die "neither BACKUP_EVERY_S (seconds) nor BACKUP_AT (HH:MM) is sound; correct one"
  while true; do
    sleep "$(pause)" &
    wait $!
    "$LIBRARY/make-backup.sh" scheduled >/dev/null &
    wait $! || log "no backup this time (above); the next try is at the next turn"
  done
}

# sound_schedule: BACKUP_EVERY_S, which goes first, is a number; or BACKUP_AT is a time of the day.
sound_schedule() {
  if [[ -n ${BACKUP_EVERY_S:-} ]]; then [[ $BACKUP_EVERY_S =~ ^[1-9][0-9]*$ ]]; return; fi
  [[ ${BACKUP_AT:-} =~ ^([01][0-9]|2[0-3]):[0-5][0-9]$ ]]
}

pause() {
  local at now
  if [[ -n ${BACKUP_EVERY_S:-} ]]; then
    echo "$BACKUP_EVERY_S"
    return
  fi
  now=$(date -u +%s)
  at=$(date -u -d "${BACKUP_AT:?HH:MM}" +%s)
  echo $((at > now ? at - now : at + 86400 - now))
}

main "$@" </dev/null

# shellcheck shell=bash
# What the scripts of a backup service and the hooks of its store share; sourced. Needs bash 5, coreutils, flock, setsid,
# awk, grep, sed, find. Contract: docs/decisions/0016-backups.md
# Inputs: MEMBERS (the service itself), STOP_GRACE_S, BACKUP_AT or BACKUP_EVERY_S, BACKUP_KEEP, BACKUP_KEEP_DAYS.
set -Eeuo pipefail
umask 077
export LC_ALL=C STORE=${STORE:-/backup} WORK=${WORK:-/tmp/backup} LIBRARY=${BASH_SOURCE[0]%/*} DATA=${MEMBERS%-backup}
export HOOKS=${HOOKS:-$LIBRARY/hooks} SCRATCH=${SCRATCH:-$STORE/.scratch}
# A command that fails where nothing asks for it ends the script, which must not happen without a word.
trap 'printf "%s, line %s: a command failed, nothing more is known\n" "${BASH_SOURCE[0]##*/}" "$LINENO" >&2' ERR
# shellcheck source=configs/lib/member.sh
. "$LIBRARY/member.sh"
. "$LIBRARY/manifest.sh"

# fail CODE TEXT: the last line; 1 failed, 2 refused, 3 nothing was found out (load) or can be done (archive).
fail() { printf '%s\n' "$2" >&2; exit "$1"; }
# hook NAME…: the store's own script, without the lock, which ends with the run itself.
hook() { "$HOOKS/$1.sh" "${@:2}" 9>&- </dev/null; }
has_hook() { [[ -x $HOOKS/$1.sh ]]; }

# own_group "$@": the script's processes are a group, so that the next run can end what a killed run left.
own_group() {
  local stat group
  read -r stat </proc/$$/stat
  read -r _ _ group _ <<<"${stat##*) }"
  [[ $group == "$$" || -n ${HAS_LOCK:-} ]] || exec setsid --wait "$0" "$@"
}

# begin_run WHAT: one run at a time; WHAT is for run-schedule.sh. Removes what a killed run left.
begin_run() {
  [[ -z ${HAS_LOCK:-} ]] || return 0
  exec 9>>"$STORE/lock"
  if ! flock -n 9; then
    log "waits for another backup or restore to end, an hour at most"
    flock -w 3600 9 || fail 1 "$DATA-backup: another run holds $STORE/lock for an hour; see: docker service logs $DATA-backup"
  fi
  end_killed_run
  printf '%s %s\n' "$$" "$1" >"$WORK.run"
  export HAS_LOCK=yes
  trap end_run EXIT
  rm -rf "$STORE"/.*.part "$STORE"/.scratch* "$WORK"
  mkdir -p "$SCRATCH" "$WORK"
}

# end_killed_run: under the lock, so the run that wrote the file has ended; its hooks and scratch server may not have.
end_killed_run() {
  local group=''
  [[ ! -s $WORK.run ]] || read -r group _ <"$WORK.run"
  [[ -z $group || $group == "$$" ]] || kill -KILL -- "-$group" 2>/dev/null || true
  rm -f "$WORK.run"
}
# end_run: TERM for a hook that is left, as when this script was told to end.
end_run() { trap '' TERM; stop_scratch; kill -TERM -- "-$$" || true; rm -rf "$WORK" "$WORK.run"; }

# stop_scratch: the server whose process load.sh wrote to WORK/scratch.pid, and its data. PID 1 may be slow to reap it.
stop_scratch() {
  local pid stat
  if [[ -s $WORK/scratch.pid ]]; then
    read -r pid <"$WORK/scratch.pid"
    kill -KILL "$pid" 2>/dev/null || true
    while { read -r stat <"/proc/$pid/stat"; } 2>/dev/null && [[ ${stat##*) } != Z* ]]; do sleep 0.05; done
    rm -f "$WORK/scratch.pid"
  fi
  [[ ! -d $SCRATCH ]] || find "$SCRATCH" -mindepth 1 -delete
}

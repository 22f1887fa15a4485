# shellcheck shell=bash
# Shared by the scripts beside it. Contract: docs/decisions/0016-backups.md.

LIBRARY=$(dirname "${BASH_SOURCE[0]}")
BACKUPS=${BACKUPS:-/backup}
SECRETS=${SECRETS:-/run/secrets}
readonly REFUSED=2

log() { printf '%s\n' "mongodb-backup: $*" >&2; }

die() {
  log "$*"
  exit 1
}

# One script at a time; the lock ends with the process that holds it.
lock() {
  exec 9>"$BACKUPS/lock"
  flock --nonblock 9 || die "$BACKUPS/lock: another backup or restore is at work; try again when it has ended"
}

# Decisions and JSON are backup.js's; what it needs is given as environment.
js() { TASK=$1 mongosh --nodb --norc --quiet "$LIBRARY/backup.js"; }

# A file of the tools' own options, so that no password is in argv.
login() { # <user>
  local file
  file=$(mktemp)
  printf 'password: "%s"\n' "$(<"$SECRETS/mongodb_$1_password")" >"$file"
  printf '%s' "$file"
}

# What a tool complained of, without its time.
failure() { # <report>
  { grep -F 'Failed:' "$1" || tail -n 1 "$1"; } | tail -n 1 | cut -f 2-
}

manifest() { printf '%s/%s/manifest.json' "$BACKUPS" "$1"; }

known() { # <ID>
  [[ $1 =~ ^[0-9]{8}T[0-9]{6}Z$ && -f $(manifest "$1") ]] && return
  log "$1: no such backup; python -m ops backups mongodb lists them"
  exit "$REFUSED"
}

#!/usr/bin/env bash
# Makes one backup, proves it, then removes what retention no longer keeps. Prints its ID.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scratch.sh
. "$(dirname "${BASH_SOURCE[0]}")/scratch.sh"

main() {
  local reason=${1:?scheduled or manual} id part host why
  lock
  rm -rf "$BACKUPS"/.*.part
  host=$(js source)
  [[ -n $host ]] || die "no member has data to read; look at python -m ops status"
  id=$(date -u +%Y%m%dT%H%M%SZ)
  part=$BACKUPS/.$id.part
  mkdir "$part"
  dump "$host" "$part" "$id" "$reason"
  log "proving $id: restore into a scratch server"
  why=$(prove "$part") && why='' || why=${why:-the proof could not be made}
  MANIFEST=$part/manifest.json WHY=$why NOW=$(date -u +%FT%TZ) js judge
  mv "$part" "$BACKUPS/$id"
  [[ -z $why ]] || die "$id: bad: $why"
  retain
  log "$id: proven"
  echo "$id"
}

# From a secondary as of one moment: the operations during the dump are part of it.
dump() { # <host> <folder> <id> <reason>
  local options
  log "dump from $1"
  options=$(login backup)
  mongodump --host "$1" --username backup --authenticationDatabase admin --config "$options" \
    --oplog --gzip --archive="$2/dump.gz" 2>"$2/report" || { rm -f "$options"; die "mongodump: $(failure "$2/report")"; }
  rm -f "$options"
  HOST=$1 ID=$3 REASON=$4 MADE_AT=$(date -u +%FT%TZ) REPORT=$2/report MANIFEST=$2/manifest.json \
    FILE="dump.gz $(stat -c %s "$2/dump.gz") $(sha256sum "$2/dump.gz" | cut -d ' ' -f 1)" js begin
}

retain() {
  local id ids
  ids=$(cd "$BACKUPS" && find . -maxdepth 2 -name manifest.json -path './[0-9]*' -printf '%h\n' | sed 's,^\./,,' | paste -sd ' ')
  for id in $(BACKUPS=$BACKUPS IDS=$ids js outdated); do
    rm -r "${BACKUPS:?}/$id"
    log "$id: removed, older than ${BACKUP_KEEP_DAYS} days and beyond the newest $BACKUP_KEEP"
  done
}

main "$@" </dev/null

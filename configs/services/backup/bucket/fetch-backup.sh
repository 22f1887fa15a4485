#!/bin/sh
# shellcheck shell=dash disable=SC2016  # sh -c
# Puts a backup from the bucket back into its service's volume, MySQL's binary logs since then with it, where
# restore finds it. Usage: fetch-backup.sh DATA ID; prints one line. What is there and whole stays as it is.
LIBRARY=$(dirname "$0")
. "$LIBRARY/lib.sh"
. "$LIBRARY/manifests.sh"

main() {
  DATA=${1:-} ID=${2:-}
  STORE=$(store "$DATA")
  known_id "$ID" "$DATA"
  exec 8>"$WORK/fetch.lock"
  flock -n 8 || fail 1 "backup-bucket: another fetch is under way; wait for it"
  LIST=$(mktemp "$WORK/fetch.XXXXXX") PART=$STORE/.$ID.fetch
  trap 'rm -rf "$LIST" "$PART"' EXIT
  if here; then echo "$ID is on the volume already, and whole"; return; fi
  rm -rf "$STORE"/.*.fetch
  mkdir -p "$PART/binlog"
  fetch_backup
  if [ "$DATA" = mysql ]; then fetch_binlogs; fi
  settle
  echo "$ID is back: $(wc -l <"$LIST") files as they were proven; restore proves it again"
}

# here: whether the volume has it, proven, every file as the manifest says.
here() {
  [ -f "$STORE/$ID/manifest.json" ] && [ "$(state_of "$STORE/$ID/manifest.json")" = proven ] || return 1
  listed "$STORE/$ID/manifest.json" >"$LIST"
  [ -s "$LIST" ] && [ -z "$(differs "$STORE/$ID" "$LIST")" ]
}

fetch_backup() {
  local wrong there
  there=$(s3 lsf --files-only "$REMOTE/$DATA/$ID")
  printf '%s\n' "$there" | grep -qx manifest.json ||
    fail 2 "backup-bucket: $BUCKET_NAME has no whole backup $ID of $DATA; see: python -m ops backups $DATA --bucket"
  log "fetches $ID"
  s3 copy "$REMOTE/$DATA/$ID" "$PART"
  listed "$PART/manifest.json" >"$LIST"
  wrong=$(differs "$PART" "$LIST")
  if [ ! -s "$LIST" ] || [ -n "$wrong" ]; then
    fail 1 "backup-bucket: $ID in $BUCKET_NAME is not what was put there (${wrong:-its manifest}); nothing was touched; take another"
  fi
}

# fetch_binlogs: those that the volume lacks; a damaged one is refused by restore, by its own checksum.
fetch_binlogs() {
  local floor name
  floor=$(id_of $(($(seconds_of "$ID") - 3600)))
  s3 lsf --files-only "$REMOTE/$DATA/binlog" | awk -v floor="$floor" '/^2.*\.json$/ && $0 >= floor' |
    while read -r name; do
      [ -f "$STORE/binlog/$name" ] || printf '%s\n' "${name%.json}.sql.zst" "$name"
    done >"$WORK/fetch.names"
  [ -s "$WORK/fetch.names" ] || return 0
  s3 copy --files-from-raw "$WORK/fetch.names" "$REMOTE/$DATA/binlog" "$PART/binlog"
  log "$(grep -c 'json$' "$WORK/fetch.names") segments of binary logs with it"
}

# settle: all at once into its place, as the volume's owner has it, while no script of the service works there.
settle() {
  local owner patience=600
  owner=$(stat -c %u:%g "$STORE")
  exec 9>>"$STORE/lock"
  chown "$owner" "$STORE/lock"
  until flock -n 9; do
    patience=$((patience - 1))
    [ "$patience" -gt 0 ] || fail 1 "backup-bucket: another run holds $STORE/lock for ten minutes; see $DATA-backup's log"
    sleep 1
  done
  chown -R "$owner" "$PART"
  settle_binlogs "$owner"
  rm -rf "$PART/binlog"
  rm -rf "${STORE:?}/$ID"
  mv "$PART" "$STORE/$ID"
}

# settle_binlogs OWNER: each segment before the JSON that tells of it.
settle_binlogs() {
  local kind
  [ -n "$(find "$PART/binlog" -name '*.json' | head -n 1)" ] || return 0
  mkdir -p "$STORE/binlog"
  chown "$1" "$STORE/binlog"
  for kind in sql.zst json; do
    find "$PART/binlog" -name "*.$kind" -exec sh -c 'to=$1; shift; mv "$@" "$to"' _ "$STORE/binlog/" {} +
  done
}

main "$@" </dev/null

#!/bin/sh
# shellcheck shell=dash disable=SC2013,SC2016  # IDs have no blanks; awk
# Makes the bucket hold what it should of one data service: proven backups it lacks, MySQL's binary logs since the
# oldest of them; what retention no longer keeps goes. Usage: copy-backups.sh DATA.
LIBRARY=$(dirname "$0")
. "$LIBRARY/lib.sh"
. "$LIBRARY/manifests.sh"
DAMAGED=''

main() {
  local id
  DATA=${1:?a data service}
  STORE=$(store "$DATA")
  HELD=$WORK/$DATA.held PLAN=$WORK/$DATA.plan
  s3 lsf --recursive --files-only "$REMOTE/$DATA" >"$HELD"
  states | sort -k 2,2r | awk -v keep="$BUCKET_KEEP" -v limit="$(id_of $(($(date +%s) - BUCKET_KEEP_DAYS * 86400)))" -f "$LIBRARY/decide.awk" >"$PLAN"
  for id in $(sed -n 's/^copy //p' "$PLAN" | sort); do copy_backup "$id"; done
  if [ -d "$STORE/binlog" ]; then settle_binlogs; fi
  for id in $(sed -n 's/^remove //p' "$PLAN"); do remove_backup "$id"; done
  [ -z "$DAMAGED" ] || fail 1 "backup-bucket: $DATA:$DAMAGED: not what was proven any more, not copied; see: python -m ops backups $DATA"
}

# states: every backup, here and there, as decide.awk takes it.
states() {
  local manifest
  for manifest in "$STORE"/[0-9]*Z/manifest.json; do
    if [ -f "$manifest" ] && [ "$(state_of "$manifest")" = proven ]; then
      manifest=${manifest%/manifest.json}
      echo "local ${manifest##*/}"
    fi
  done
  sed -nE 's,^([0-9]{8}T[0-9]{6}Z)/manifest\.json$,held \1,p; s,^([0-9]{8}T[0-9]{6}Z)/.*,rest \1,p' "$HELD"
}

copy_backup() {
  local folder=$STORE/$1 list=$WORK/copy.list
  listed "$folder/manifest.json" >"$list"
  if [ ! -s "$list" ] || [ -n "$(differs "$folder" "$list")" ]; then DAMAGED="$DAMAGED $1"; return; fi
  echo manifest.json >"$WORK/copy.last"
  put "$folder" "$DATA/$1" "$list" "$WORK/copy.last"
  log "$DATA: $1 is in the bucket, read back and the same"
}

# remove_backup: its manifest first, so that what is left is never taken for a whole one.
remove_backup() {
  if grep -qx "$1/manifest.json" "$HELD"; then s3 deletefile "$REMOTE/$DATA/$1/manifest.json"; fi
  s3 delete "$REMOTE/$DATA/$1"
  log "$DATA: $1 is gone from the bucket: older than $BUCKET_KEEP_DAYS days, beyond the newest $BUCKET_KEEP"
}

# settle_binlogs: no moment before the oldest backup can be restored, so that log isn't needed either.
settle_binlogs() {
  local oldest floor
  oldest=$(sed -n 's/^oldest //p' "$PLAN")
  [ -n "$oldest" ] || return 0
  floor=$(id_of $(($(seconds_of "$oldest") - 3600)))
  lacking_binlogs "$floor"
  if [ -s "$WORK/binlog.list" ]; then
    put "$STORE/binlog" "$DATA/binlog" "$WORK/binlog.list" "$WORK/binlog.last"
    log "$DATA: $(wc -l <"$WORK/binlog.last") segments of binary logs are in the bucket"
  fi
  remove_binlogs "$floor"
}

# lacking_binlogs FLOOR: into binlog.list and, what makes each whole, binlog.last. One whose JSON is just being
# written has no checksum yet, and its turn later.
lacking_binlogs() {
  local wrong
  (cd "$STORE/binlog" && echo 2*Z.json) | tr ' ' '\n' | awk -v floor="$1" \
    'held { seen[$0]; next } /^2.*Z\.json$/ && $0 >= floor && !(("binlog/" $0) in seen)' held=1 "$HELD" held=0 - >"$WORK/binlog.new"
  (cd "$STORE/binlog" && xargs awk '
    match($0, /"sha256": *"[0-9a-f]+"/) { split(substr($0, RSTART, RLENGTH), part, "\""); name = FILENAME
      sub(/json$/, "sql.zst", name); print part[4] "  " name }' /dev/null <"$WORK/binlog.new") | sort >"$WORK/binlog.all"
  wrong=$(differs "$STORE/binlog" "$WORK/binlog.all")
  DAMAGED="$DAMAGED${wrong:+ $wrong}"
  awk -v wrong=" $wrong " 'index(wrong, " " $2 " ") == 0' "$WORK/binlog.all" >"$WORK/binlog.list"
  names <"$WORK/binlog.list" | sed 's/sql\.zst$/json/' >"$WORK/binlog.last"
}

remove_binlogs() {
  local kind
  for kind in json sql.zst; do
    sed -nE "s,^binlog/(2[^/]*\.$kind)\$,\1,p" "$HELD" | awk -v floor="$1" '$0 < floor' >"$WORK/binlog.old"
    [ -s "$WORK/binlog.old" ] || continue
    s3 delete --files-from-raw "$WORK/binlog.old" "$REMOTE/$DATA/binlog"
  done
}

main "$@" </dev/null

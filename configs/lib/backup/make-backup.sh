#!/usr/bin/env bash
# Makes a backup, proves it, then removes what retention no longer keeps. Usage: make-backup.sh scheduled|manual;
# prints the ID. restore.sh calls it with before-restore, under its own lock.
. "${BASH_SOURCE[0]%/*}/lib.sh"

main() {
  REASON=${1:-}
  [[ $REASON =~ ^(scheduled|manual|before-restore)$ ]] || fail 2 "make-backup: '$REASON' is no reason; scheduled or manual"
  own_group "$@"
  begin_run "$REASON"
  while printf -v ID '%(%Y%m%dT%H%M%SZ)T' -1 && [[ -e $STORE/$ID ]]; do sleep 0.2; done
  PART=$STORE/.$ID.part
  mkdir "$PART" && rm -f "$WORK/contents"
  hook dump "$PART" "$WORK/contents" >"$WORK/notes" || exit 1
  write_manifest "$PART" "$ID" "$REASON"
  log "backup $ID: read from $(field "$PART" source); proves it by a restore"
  prove "$PART" || keep_failed $?
  if has_hook proven; then hook proven "$PART" || exit 1; fi
  set_state "$PART" proven
  publish
  log "backup $ID: proven, $(entries_of "$STORE/$ID" | awk -F'"rows":' '{ rows += $2 } END { print NR " entries, " rows + 0 " rows" }')"
  # Before a restore nothing goes: it may be the backup that is wanted.
  [[ $REASON == before-restore ]] || retain
  echo "$ID"
}

publish() { sync "$PART"/* "$PART" && mv "$PART" "$STORE/$ID" && sync "$STORE"; }

# keep_failed CODE: the backup stays, to be looked at. As the schedule tries again every ten minutes, which must not
# fill the volume, only the last of its failed tries in a row stays.
keep_failed() {
  local before text="could not be proven: $WHY; it stays as unproven"
  if (($1 == 1)); then text="is bad: $WHY" && set_state "$PART" bad "$WHY"; fi
  before=$(backups | tail -n 1)
  publish
  if [[ $REASON == scheduled && -n $before && $(field "$STORE/$before" reason) == scheduled && $(state_of "$STORE/$before") != proven ]]; then
    remove "$before" "the next try failed too"
  fi
  fail 1 "backup $ID $text"
}

# retain: the newest BACKUP_KEEP proven ones stay; what is older than BACKUP_KEEP_DAYS besides goes.
retain() {
  local id limit kept=0 oldest=''
  printf -v limit '%(%Y%m%dT%H%M%SZ)T' $((EPOCHSECONDS - BACKUP_KEEP_DAYS * 86400))
  for id in $(backups | sort -r); do
    if [[ $(state_of "$STORE/$id") == proven ]] && { ((++kept <= BACKUP_KEEP)) || [[ ! $id < $limit ]]; }; then
      oldest=$id
    elif [[ $id < $limit ]]; then
      remove "$id" "older than $BACKUP_KEEP_DAYS days, and not of the newest $BACKUP_KEEP"
    fi
  done
  if has_hook retained; then hook retained "$oldest"; fi
}

# remove ID WHY: in one step, so that nobody sees half of it.
remove() { mv "$STORE/$1" "$STORE/.$1.part" && rm -rf "$STORE/.$1.part" && log "backup $1: removed, $2"; }

main "$@" </dev/null

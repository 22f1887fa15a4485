#!/usr/bin/env bash
# Makes a backup from a replica, proves it, removes what retention no longer keeps. stdout: its ID.
# Argument: the reason (scheduled, manual, before-restore).
# shellcheck source=/dev/null
source /usr/local/lib/backup/common.sh
# shellcheck source=/dev/null
source /usr/local/lib/backup/scratch.sh

main() {
  local reason=${1:-manual} part source before after
  [[ $reason =~ ^(scheduled|manual|before-restore)$ ]] || refuse "make-backup: $reason is no reason; scheduled or manual"
  take_lock
  rm -rf "$BACKUPS"/.*.part "$BACKUPS"/.scratch.*
  ID=$(date -u +%Y%m%dT%H%M%SZ)
  [[ ! -e $BACKUPS/$ID ]] || die "backup $ID: exists; try again in a second"
  part=$BACKUPS/.$ID.part
  mkdir "$part"
  source=$(choose_source)
  [[ -n $source ]] || die "redis-backup: no member answers in a state to copy; see: python -m ops status"
  log "copying from $source"
  before=$(position "$source")
  redis-cli --user backup --no-auth-warning -h "$source" --rdb "$part/dump.rdb" >&2 || die "redis-backup: $source broke off; try again"
  after=$(position "$source")
  taken_between "$part/dump.rdb" "$before" "$after"
  log "compressing $(stat -c %s "$part/dump.rdb") bytes"
  gzip --no-name "$part/dump.rdb"
  load_scratch "$part/$DUMP" held || keep_bad "$part" "what was read can't be loaded"
  write_manifest "$part" "$reason" "$source" "$POSITION"
  sync -f "$part"
  mv "$part" "$BACKUPS/$ID"
  prove "$ID" || { set_state bad && die "backup $ID: failed its proof and is kept as bad"; }
  set_state proven
  log "proven: $(manifest_contents "$ID")"
  # Before a restore nothing goes: it may be the backup that is wanted.
  [[ $reason == before-restore ]] || retire
  echo "$ID"
}

# A replica in sync; the master only when there is none.
choose_source() {
  local member info master=''
  for member in $MEMBERS; do
    info=$(ask "$member" "$REDIS_PORT" info replication) || continue
    [[ $(field role <<<"$info") == master ]] && master=$member
    [[ $(field master_link_status <<<"$info") == up && $(field master_sync_in_progress <<<"$info") == 0 ]] || continue
    echo "$member"
    return
  done
  [[ -z $master ]] || { log "no replica in sync: reading from the master" && echo "$master"; }
}

# Replication ID and offset of a member.
position() {
  ask "$1" "$REDIS_PORT" info replication | awk -F: '{ sub(/\r$/, "") } /^master_replid:/ { id = $2 }
    /^master_repl_offset:/ { print id ":" $2 }'
}

# The file names the point of the stream it was taken at. It must be this set's, and of now. Sets POSITION.
taken_between() {
  local id offset check
  check=$(redis-check-rdb "$1") || die "redis-backup: what was read is no whole RDB; try again"
  id=$(sed -nE "s/.*AUX FIELD repl-id = '(.*)'/\1/p" <<<"$check")
  offset=$(sed -nE "s/.*AUX FIELD repl-offset = '(.*)'/\1/p" <<<"$check")
  POSITION=$id:$offset
  [[ -n $id && $id == "${2%:*}" && $id == "${3%:*}" && $offset -ge ${2#*:} && $offset -le ${3#*:} ]] ||
    die "redis-backup: read $POSITION, expected between $2 and $3; a failover meanwhile? try again"
}

write_manifest() {
  local version sum
  version=$(ask "$3" "$REDIS_PORT" info server | field redis_version)
  sum=$(sha256sum "$1/$DUMP" | cut -d' ' -f1)
  printf '{"id":"%s","service":"redis","made_at":"%s","reason":"%s","source":"%s","server_version":"%s","position":"%s","contents":[%s],"files":{"%s":{"bytes":%s,"sha256":"%s"}},"state":"new"}\n' \
    "$ID" "$(date -u +%FT%TZ)" "$2" "$3" "$version" "$4" "$(contents_of)" "$DUMP" "$(stat -c %s "$1/$DUMP")" "$sum" >"$1/manifest.json"
}

set_state() {
  sed -i -E "s/\"state\":\"[a-z]+\"/\"state\":\"$1\",\"proven_at\":\"$(date -u +%FT%TZ)\"/" "$BACKUPS/$ID/manifest.json"
}

keep_bad() {
  log "backup $ID: $2"
  printf '{"id":"%s","service":"redis","made_at":"%s","reason":"manual","source":"","contents":[],"files":{},"state":"bad","why":"%s"}\n' \
    "$ID" "$(date -u +%FT%TZ)" "$2" >"$1/manifest.json"
  mv "$1" "$BACKUPS/$ID"
  exit 1
}

# Of the proven ones BACKUP_KEEP stay whatever their age; any other goes after BACKUP_KEEP_DAYS.
retire() {
  local id kept=0 oldest
  oldest=$(date -u -d "-${BACKUP_KEEP_DAYS:-14} days" +%Y%m%dT%H%M%SZ)
  for id in $(cd "$BACKUPS" && printf '%s\n' [0-9]*Z | sort -r); do
    if [[ $(manifest_field "$id" state) == proven ]] && ((++kept <= ${BACKUP_KEEP:-7})); then continue; fi
    [[ $id < $oldest ]] || continue
    log "backup $id: older than ${BACKUP_KEEP_DAYS:-14} days, removed"
    rm -rf "${BACKUPS:?}/$id"
  done
}

main "$@" </dev/null

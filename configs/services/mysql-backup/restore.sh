#!/usr/bin/env bash
# Puts a backup back through the router. Usage: restore.sh --backup ID [--until TIME] [--overwrite DATABASE]…
# First everything is rebuilt in a scratch server, binary logs up to TIME included; only when that is whole
# is the live data replaced. Contract: docs/decisions/0016-backups.md
set -euo pipefail
# shellcheck source=configs/services/mysql-backup/lib.sh
. /usr/local/lib/backup/lib.sh
# shellcheck source=configs/services/mysql-backup/scratch.sh
. /usr/local/lib/backup/scratch.sh

ID="" UNTIL="" OVERWRITE=" " LINE=""

read_arguments() {
  while (($#)); do
    case $1 in
      --backup) ID=${2:-}; shift 2 ;;
      --until) UNTIL=${2:-}; shift 2 ;;
      --overwrite) OVERWRITE+="${2:-} "; shift 2 ;;
      *) fail 2 "restore: $1 is unknown; --backup ID [--until TIME] [--overwrite DATABASE]" ;;
    esac
  done
  [[ $ID =~ ^[0-9TZ]+$ && -f $STORE/$ID/manifest.json ]] || fail 2 "restore: there is no backup '$ID'; see: python -m ops backups mysql"
  [[ $(jq -r .state "$STORE/$ID/manifest.json") == proven ]] || fail 2 "restore: $ID is bad ($(jq -r .why "$STORE/$ID/manifest.json")); take another"
  [[ -z $UNTIL || $UNTIL =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z$ ]] || fail 2 "restore: $UNTIL is no moment; write it as 2026-11-25T01:30:00Z"
  [[ -z $UNTIL || $(date -u -d "$UNTIL" +%s) -ge $(date -u -d "$(jq -r .made_at "$STORE/$ID/manifest.json")" +%s) ]] ||
    fail 2 "restore: $ID was made after $UNTIL; take an older backup"
  LINE=$(jq -r '.line // ""' "$STORE/$ID/manifest.json")
}

live() { mysql --defaults-file="$RESTORE_OPTIONS" --connect-timeout=5 --host=mysql --port=3306 -NB "$@"; }

# refuse_unnamed: no database that has tables is replaced unless it is named.
refuse_unnamed() {
  local name tables
  while read -r name; do
    tables=$(live <<<"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '$name'") ||
      fail 1 "restore: the writable member does not answer; see: python -m ops status"
    if ((tables)) && [[ $OVERWRITE != *" $name "* ]]; then
      fail 2 "restore: $name has $tables tables, which would be replaced; if that is wanted add --overwrite $name"
    fi
  done < <(databases)
}

databases() { jq -r '[.contents[].name | split(".")[0]] | unique[]' "$STORE/$ID/manifest.json"; }

# follow: binary logs of the backup's line up to now, or at least beyond UNTIL; else what is said to be up to UNTIL would end before.
follow() {
  local said end
  if said=$(/usr/local/lib/backup/archive-binlogs.sh) && [[ -f $BINLOGS/position && $(current_line) == "$LINE" ]]; then log "binary logs: $said"; return; fi
  end=$(archive_end)
  [[ $end > $(date -u -d "$UNTIL" +%Y%m%dT%H%M%SZ) ]] ||
    fail 1 "restore: binary logs that follow $ID end at ${end:-the backup itself}, nothing was touched; give --until a moment before that, or leave it out"
  log "binary logs: end at $end, which is enough"
}

# archive_end: when the line's last segment was begun; it has all that was committed until then.
archive_end() {
  local segments=("$BINLOGS"/2*.json) index
  [[ -e ${segments[0]} ]] || return 0
  for ((index = ${#segments[@]} - 1; index >= 0; index--)); do
    if of_line "${segments[index]}"; then basename "${segments[index]}" .json; return; fi
  done
}

of_line() { [[ $(jq -r '.line // ""' "$1") == "$LINE" ]]; }

# replay: the segments of its line after the backup, each joined to what is there already, up to UNTIL by commit time.
replay() {
  local segment limit executed=0
  limit=$(date -u -d "$UNTIL" +%s%6N)
  for segment in "$BINLOGS"/2*.json; do
    [[ -e $segment ]] || break
    of_line "$segment" || continue
    [[ $(held "$(jq -r .to "$segment")") == 1 ]] && continue
    [[ $(held "$(jq -r .from "$segment")") == 1 ]] || fail 1 "restore: binary logs before ${segment##*/} are missing; take a newer backup"
    [[ $(sha256sum <"${segment%.json}.sql.zst" | cut -d' ' -f1) == $(jq -r .sha256 "$segment") ]] || fail 1 "restore: ${segment%.json}.sql.zst is damaged; take a newer backup"
    log "replays ${segment##*/}: $(jq -r .transactions "$segment") transactions"
    up_to "$limit" "${segment%.json}.sql.zst" | scratch --binary-mode --force=FALSE
    executed=$((executed + 1))
    [[ $(held "$(jq -r .to "$segment")") == 1 ]] || break
  done
  log "$executed segments replayed"
}

held() { scratch <<<"SELECT GTID_SUBSET('$1', @@GLOBAL.gtid_executed)"; }

# up_to MICROSECONDS FILE: the transactions that were committed until then, in the order of the log.
up_to() {
  zstd -dcq "$2" | awk -v limit="$1" '
    /^# original_commit_timestamp=/ { split($2, part, "="); if (part[2] + 0 > limit + 0) over = 1 }
    over { next }
    { print }
    END { if (over) print "SET @@SESSION.GTID_NEXT= \"AUTOMATIC\" /* the rest came later */;" }'
}

# replace_live: one stream out of the scratch server into the group, as new transactions.
replace_live() {
  local names
  mapfile -t names < <(databases)
  mysqldump --no-defaults --socket="$SCRATCH/sock" --user=root --single-transaction --set-gtid-purged=OFF --routines --triggers --events \
    --hex-blob --no-tablespaces --add-drop-database --databases "${names[@]}" | live --binary-mode
}

main() {
  local why expected found
  read_arguments "$@"
  one_at_a_time
  BACKUP_OPTIONS=$(options backup mysql_backup_password) RESTORE_OPTIONS=$(options restore mysql_restore_password)
  refuse_unnamed
  [[ -z $UNTIL ]] || follow
  log "rebuilds $ID in a scratch server"
  why=$(files_match "$STORE/$ID") || fail 1 "restore: $ID: $why; take another"
  start_scratch
  load "$STORE/$ID"
  [[ -z $UNTIL ]] || replay
  expected=$(scratch_contents | as_json)
  log "replaces $(databases | paste -sd' ') by $(jq -r '"\(length) tables, \([.[].rows] | add // 0) rows"' <<<"$expected")"
  replace_live || fail 1 "restore: stopped half-way; the live data is incomplete; run it again with the same arguments"
  found=$(live <<<"$COLUMNS_SQL" | checksum_sql | live | as_json)
  jq -en --argjson a "$expected" --argjson b "$found" --arg names "$(databases | paste -sd' ')" \
    '($a | map(select(.name | split(".")[0] | IN($names | split(" ")[])))) == ($b | map(select(.name | split(".")[0] | IN($names | split(" ")[]))))' >/dev/null ||
    log "the live data differs already from what was restored: somebody is writing to it"
  echo "restored $ID${UNTIL:+ up to $UNTIL}: $(jq -r '"\(length) tables, \([.[].rows] | add // 0) rows"' <<<"$expected")"
}
main "$@" </dev/null

#!/usr/bin/env bash
# Replays binary logs into the scratch server: those of the backup's line up to a moment. Usage: replay.sh FOLDER UNTIL.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

main() {
  ID=${1##*/} UNTIL=$2 LINE=$(field "$1" line)
  follow
  replay
}

# follow: binary logs of the backup's line up to now, or at least beyond UNTIL; else what is said to be up to UNTIL would end before.
follow() {
  local said end
  if said=$("$HOOKS/archive.sh") && [[ -f $BINLOGS/position && $(current_line) == "$LINE" ]]; then log "binary logs: $said"; return; fi
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

main "$@"

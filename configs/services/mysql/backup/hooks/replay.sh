#!/usr/bin/env bash
# Replays binary logs into the scratch server: those of the backup's line up to a moment. Usage: replay.sh FOLDER UNTIL.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

main() {
  ID=${1##*/} UNTIL=$2 LINE=$(field "$1" line)
  follow
  replay
}

# segments: those of the backup's line, oldest first: file, from, to, transactions, sha256.
segments() {
  find "$BINLOGS" -name '2*.json' -exec jq -r --arg line "$LINE" \
    'select((.line // "") == $line) | [input_filename, .from, .to, .transactions, .sha256] | @tsv' {} + | sort
}

# follow: binary logs of the backup's line up to now, or at least beyond UNTIL; else what is said to be up to UNTIL would
# end before. The last segment has all that was committed until it was begun.
follow() {
  local said end
  if said=$("$HOOKS/archive.sh") && [[ -f $BINLOGS/position && $(current_line) == "$LINE" ]]; then log "binary logs: $said"; return; fi
  end=$(segments | tail -n 1 | cut -f 1)
  end=${end##*/} end=${end%.json}
  [[ $end > $(date -u -d "$UNTIL" +%Y%m%dT%H%M%SZ) ]] ||
    fail 1 "restore: binary logs that follow $ID end at ${end:-the backup itself}, nothing was touched; give --until a moment before that, or leave it out"
  log "binary logs: end at $end, which is enough"
}

# replay: the segments after the backup, each joined to what is there already, up to UNTIL by commit time.
replay() {
  local segment from to transactions sum limit executed=0
  limit=$(date -u -d "$UNTIL" +%s%6N)
  while IFS=$'\t' read -r segment from to transactions sum; do
    [[ $(held "$to") == 1 ]] && continue
    [[ $(held "$from") == 1 ]] || fail 1 "restore: binary logs before ${segment##*/} are missing; take a newer backup"
    segment=${segment%.json}.sql.zst
    [[ $(sha256sum <"$segment" | cut -d' ' -f1) == "$sum" ]] || fail 1 "restore: $segment is damaged; take a newer backup"
    log "replays ${segment##*/}: $transactions transactions"
    up_to "$limit" "$segment" | scratch --binary-mode --force=FALSE
    executed=$((executed + 1))
    [[ $(held "$to") == 1 ]] || break
  done < <(segments)
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

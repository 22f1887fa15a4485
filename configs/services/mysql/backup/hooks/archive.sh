#!/usr/bin/env bash
# Fetches what was committed since the last time, as one compressed segment: exactly the transactions
# between `from` and `to`, counted. Starts with the first backup. Prints what it did. 1: failed; 3: can't go on from
# where it was, whatever is tried, so the next proven backup begins a new line (proven.sh).
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

# count SET: how many transactions a GTID set has (uuid[:tag]:1-5:7,…).
count() { tr ',:' '[\n*]' <<<"$1" | awk -F- '/^ *[0-9]+(-[0-9]+)? *$/ { n += ($2 == "" ? 1 : $2 - $1 + 1) } END { print n + 0 }'; }

# choose_log POSITION: a member that has executed all until then and has every binary log since. One that was cloned
# has none from before. A group that was founded anew, all members lost, counts its transactions from 1 again: what
# it has in excess of the position would be nothing, or another life's.
choose_log() {
  local same="GTID_SUBSET('$1', @@GLOBAL.gtid_executed)"
  find_source "$same AND GTID_SUBSET(@@GLOBAL.gtid_purged, '$1')" && return
  choose_source >/dev/null || exit
  find_source "$same" >/dev/null || end_line
  fail 3 "binary logs: no member that is ONLINE has those since the last segment any more (purged, or cloned since then); nothing is archived until the next proven backup, which begins a new line: python -m ops backup mysql"
}

# end_line: remembered, as another history reaches the old position's numbers some day.
end_line() {
  echo "binary logs: no member that is ONLINE had all that was archived: this is another history (were all members lost?); nothing is archived until the next proven backup, which begins a new line: python -m ops backup mysql" >"$BINLOGS/ended"
  fail 3 "$(<"$BINLOGS/ended")"
}

main() {
  local source from line to fresh wanted found name part=$BINLOGS/.part
  [[ -f $BINLOGS/position ]] || { echo "no backup yet, nothing to follow"; return; }
  lock_archive
  [[ ! -f $BINLOGS/ended ]] || fail 3 "$(<"$BINLOGS/ended")"
  BACKUP_OPTIONS=$(options backup)
  { read -r from; read -r line || true; } <"$BINLOGS/position"
  source=$(choose_log "$from") || exit
  # Named before the source is asked: restore.sh takes the name as the moment up to which nothing is missing.
  while name=$(date -u +%Y%m%dT%H%M%SZ) && [[ -e $BINLOGS/$name.json ]]; do sleep 0.2; done
  IFS=$'\t' read -r to fresh < <(ask "$source" <<<"SELECT REPLACE(@@GLOBAL.gtid_executed, '\n', ''), REPLACE(GTID_SUBTRACT(@@GLOBAL.gtid_executed, '$from'), '\n', '')")
  [[ -n $fresh ]] || { echo "nothing new on $source"; return; }
  # A transaction is written to a temporary file as large as itself: more than a tmpfs has.
  export TMPDIR=$BINLOGS
  mysqlbinlog --defaults-file="$BACKUP_OPTIONS" --host="$source" --read-from-remote-source=BINLOG-DUMP-GTIDS \
    --exclude-gtids="$from" --include-gtids="$fresh" --to-last-log "$(first_log "$source")" 8>&- | zstd -q -3 >"$part"
  wanted=$(count "$fresh")
  found=$(zstd -dcq "$part" | grep -c "^SET @@SESSION.GTID_NEXT= '[0-9a-f]\{8\}-" || true)
  [[ $wanted == "$found" ]] || fail 1 "binary logs of $source: $found of $wanted transactions ($fresh); tries another time"
  mv "$part" "$BINLOGS/$name.sql.zst"
  jq -n --arg from "$from" --arg to "$to" --arg line "$line" --arg source "$source" --argjson count "$found" --arg sum "$(sha256sum <"$BINLOGS/$name.sql.zst" | cut -d' ' -f1)" \
    '{line: $line, from: $from, to: $to, source: $source, transactions: $count, sha256: $sum}' >"$BINLOGS/$name.json"
  set_position "$to" "$line"
  echo "$found transactions from $source"
}

first_log() { ask "$1" <<<"SHOW BINARY LOGS" | head -n 1 | cut -f1; }

main "$@"

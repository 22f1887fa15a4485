# shellcheck shell=bash disable=SC2154
# A server of its own for a restore, without any network, gone in the end. Needs lib.sh.
SCRATCH_SERVER=""

start_scratch() {
  find "$SCRATCH" -mindepth 1 -delete
  mysqld --no-defaults --initialize-insecure --datadir="$SCRATCH/data" --innodb-redo-log-capacity=32M >"$SCRATCH/log" 2>&1 ||
    fail 1 "scratch server: could not be made ($(tail -n 1 "$SCRATCH/log")); is there room on the volume?"
  mysqld --no-defaults --datadir="$SCRATCH/data" --socket="$SCRATCH/sock" --pid-file="$SCRATCH/pid" --skip-networking --mysqlx=OFF \
    --skip-log-bin --gtid-mode=ON --enforce-gtid-consistency=ON --innodb-buffer-pool-size=64M --innodb-redo-log-capacity=64M \
    --innodb-flush-log-at-trx-commit=0 --performance-schema=OFF --secure-file-priv=NULL --tmpdir="$SCRATCH/data" >>"$SCRATCH/log" 2>&1 9>&- &
  SCRATCH_SERVER=$!
  trap stop_scratch EXIT
  until scratch <<<"SELECT 1" >/dev/null 2>&1; do
    kill -0 "$SCRATCH_SERVER" 2>/dev/null || fail 1 "scratch server: has ended ($(tail -n 1 "$SCRATCH/log"))"
    sleep 0.5
  done
}

stop_scratch() {
  [[ -z $SCRATCH_SERVER ]] || { kill -KILL "$SCRATCH_SERVER" && wait "$SCRATCH_SERVER"; } 2>/dev/null || true
  SCRATCH_SERVER=""
  find "$SCRATCH" -mindepth 1 -delete 2>/dev/null || true
}

# scratch [option…]: SQL on stdin.
scratch() { mysql --no-defaults --socket="$SCRATCH/sock" --user=root -NB "$@"; }

scratch_contents() { scratch <<<"$COLUMNS_SQL" | checksum_sql | scratch; }

# files_match FOLDER: sizes and sha256 as in the manifest; else says which file isn't.
files_match() {
  local found
  found=$(files_json "$1") || return 1
  jq -e --argjson found "$found" '.files == $found' "$1/manifest.json" >/dev/null ||
    { echo "files differ from the manifest: $(jq -r --argjson found "$found" '[.files | to_entries[] | select($found[.key] != .value) | .key] | join(", ")' "$1/manifest.json")"; return 1; }
}

# load FOLDER: the dump into the scratch server, at its position.
load() {
  scratch <<<"SET GLOBAL gtid_purged = '$(jq -r .position "$1/manifest.json")'"
  zstd -dcq "$1/dump.sql.zst" | scratch --init-command="SET SESSION sql_log_bin = 0"
}

# prove FOLDER: says why on stdout and is 1 when the backup is not what its manifest tells.
prove() {
  local why found
  why=$(files_match "$1") || { echo "$why"; return 1; }
  start_scratch
  why=$(load "$1" 2>&1) || { echo "does not load: $(tail -n 1 <<<"$why")"; return 1; }
  found=$(scratch_contents | as_json)
  stop_scratch
  jq -e --argjson found "$found" '.contents == $found' "$1/manifest.json" >/dev/null ||
    { echo "restored, it differs in: $(jq -r --argjson found "$found" '(.contents - $found) + ($found - .contents) | map(.name) | unique | join(", ")' "$1/manifest.json")"; return 1; }
}

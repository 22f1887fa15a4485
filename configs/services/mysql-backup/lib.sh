# shellcheck shell=bash disable=SC2034  # used by the scripts that read this one
# What the backup scripts of MySQL share. Passwords: option files on a tmpfs.
readonly STORE=/backup SCRATCH=/scratch SECRETS=/run/secrets BINLOGS=/backup/binlog
readonly SYSTEM="'mysql', 'sys', 'information_schema', 'performance_schema'"
read -ra MEMBERS </usr/local/lib/backup/members
umask 077
# A command that fails where nothing asks for it ends the script, which must not happen without a word.
set -E
trap 'printf "%s, line %s: a command failed, nothing more is known\n" "${BASH_SOURCE[0]##*/}" "$LINENO" >&2' ERR

log() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*" >&2; }

# fail CODE TEXT: the last line; 1 failed, 2 refused.
fail() { printf '%s\n' "$2" >&2; exit "$1"; }

# one_at_a_time: by hand and by schedule take turns.
one_at_a_time() { exec 9>"$STORE/lock"; flock -w 3600 9 || fail 1 "mysql-backup: another run holds $STORE/lock for an hour; see its log"; }

# options USER SECRET: path of an option file for that account, TLS and the server's name checked.
options() {
  local file=/tmp/$1.cnf
  printf "[client]\nuser=%s\npassword='%s'\nssl-mode=VERIFY_IDENTITY\nssl-ca=%s\n" \
    "$1" "$(tr -d '\r\n' <"$SECRETS/$2" | sed "s/\\\\/\\\\\\\\/g; s/'/\\\\'/g")" "$SECRETS/internal_ca_certificate" >"$file"
  echo "$file"
}

# ask MEMBER: SQL on stdin to one member, as the account that may only read.
ask() { timeout "${ASK_LIMIT_S:-30}" mysql --defaults-file="$BACKUP_OPTIONS" --connect-timeout=3 --host="$1" -NB; }

# role MEMBER CONDITION: PRIMARY or SECONDARY when it is ONLINE and the condition (SQL) holds there, else nothing.
role() {
  ask "$1" 2>/dev/null <<<"SELECT MEMBER_ROLE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid AND MEMBER_STATE = 'ONLINE' AND $2" || true
}

# find_source CONDITION: the last declared such secondary; the primary only when there is none; 1 when neither is.
find_source() {
  local index found primary=""
  for ((index = ${#MEMBERS[@]} - 1; index >= 0; index--)); do
    found=$(role "${MEMBERS[index]}" "$1")
    if [[ $found == SECONDARY ]]; then echo "${MEMBERS[index]}"; return; fi
    [[ $found != PRIMARY ]] || primary=${MEMBERS[index]}
  done
  [[ -n $primary ]] || return 1
  log "no secondary is ONLINE and will do: reads from the primary $primary"
  echo "$primary"
}

choose_source() { find_source TRUE || fail 1 "mysql: no member is ONLINE (${MEMBERS[*]}); see: docker service logs mysql-1"; }

# lock_archive: one at a time writes below BINLOGS, until this script ends.
lock_archive() {
  exec 8>"$BINLOGS/lock"
  flock -w 300 8 || fail 1 "binary logs: another run holds the lock for five minutes"
}

# set_position GTIDS LINE: where the next segment begins; a line is named after the backup that it begins with.
set_position() { printf '%s\n' "$1" "$2" >"$BINLOGS/position.new" && mv "$BINLOGS/position.new" "$BINLOGS/position"; }

# current_line: nothing before the first backup, and for what was archived before there were lines.
current_line() { [[ ! -f $BINLOGS/position ]] || sed -n 2p "$BINLOGS/position"; }

# checksum_sql: reads `schema table column type` lines; one SELECT a table: name, rows, checksum of every value.
checksum_sql() {
  awk -F'\t' '
    function done() { if (table != "") printf "SELECT \"%s\", COUNT(*), COALESCE(BIT_XOR(CAST(CONV(LEFT(SHA2(CONCAT_WS(\"#\"%s), 256), 16), 16, 10) AS UNSIGNED)), 0) FROM %s;\n", name, columns, table }
    { wanted = "`" $1 "`.`" $2 "`"
      if (wanted != table) { done(); table = wanted; name = $1 "." $2; columns = "" }
      value = ($4 ~ /geometry|point|polygon|linestring|geomcollection/) ? "HEX(`" $3 "`)" : "HEX(CAST(`" $3 "` AS BINARY))"
      columns = columns ", ISNULL(`" $3 "`), " value }
    END { done() }'
}

readonly COLUMNS_SQL="SELECT c.table_schema, c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ($SYSTEM) ORDER BY c.table_schema, c.table_name, c.ordinal_position"
readonly SCHEMAS_SQL="SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ($SYSTEM) ORDER BY 1"

# as_json: lines `name rows checksum` to the manifest's contents.
as_json() { jq -Rn '[inputs / "\t" | {name: .[0], rows: (.[1] | tonumber), checksum: .[2]}]'; }

# files_json FOLDER: bytes and sha256 of what lies there, the manifest excepted.
files_json() {
  local file
  for file in "$1"/*; do
    [[ $file == */manifest.json ]] && continue
    jq -n --arg name "${file##*/}" --argjson bytes "$(stat -c %s "$file")" --arg sum "$(sha256sum <"$file" | cut -d' ' -f1)" \
      '{($name): {bytes: $bytes, sha256: $sum}}'
  done | jq -s 'add'
}

# note FOLDER FILTER [jq arguments]: changes the manifest in one step.
note() {
  local folder=$1 filter=$2
  shift 2
  jq "$@" "$filter" "$folder/manifest.json" >"$folder/manifest.new" && mv "$folder/manifest.new" "$folder/manifest.json"
}

# note_bad FOLDER WHY: it stays to be looked at, and nothing restores it.
# shellcheck disable=SC2016  # jq's own variable
note_bad() { note "$1" '.state = "bad" | .why = $why' --arg why "$2"; }

# shellcheck shell=bash disable=SC2034,SC2120  # used by the hooks
# What the hooks of MySQL share; sourced. Input: MYSQL_MEMBERS (names, of the engine). Passwords: option files on a tmpfs.
# shellcheck source=configs/lib/backup/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
readonly SYSTEM="'mysql', 'sys', 'information_schema', 'performance_schema'" BINLOGS=$STORE/binlog
read -ra MYSQL_NAMES <<<"$MYSQL_MEMBERS"

# options USER: path of an option file for that account, TLS and the server's name checked.
options() {
  local file=/tmp/$1.cnf text
  secret "mysql_$1_password"
  text=${SECRET//\\/\\\\}
  printf "[client]\nuser=%s\npassword='%s'\nssl-mode=VERIFY_IDENTITY\nssl-ca=%s\n" \
    "$1" "${text//\'/\\\'}" /run/secrets/internal_ca_certificate >"$file.$$"
  mv "$file.$$" "$file"
  echo "$file"
}

# ask MEMBER: SQL on stdin to one member, as the account that may only read.
ask() { timeout "${ASK_LIMIT_S:-30}" mysql --defaults-file="$BACKUP_OPTIONS" --connect-timeout=3 --host="$1" -NB; }

# find_source CONDITION: the last declared ONLINE secondary where it (SQL) holds; the primary only when there is none such;
# 1 when there is no such member.
find_source() {
  local index found primary=''
  for ((index = ${#MYSQL_NAMES[@]} - 1; index >= 0; index--)); do
    found=$(ask "${MYSQL_NAMES[index]}" 2>/dev/null <<<"SELECT MEMBER_ROLE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid AND MEMBER_STATE = 'ONLINE' AND $1") || continue
    if [[ $found == SECONDARY ]]; then echo "${MYSQL_NAMES[index]}"; return; fi
    [[ $found != PRIMARY ]] || primary=${MYSQL_NAMES[index]}
  done
  [[ -n $primary ]] || return 1
  log "no secondary is ONLINE and will do: reads from the primary $primary"
  echo "$primary"
}

choose_source() { find_source TRUE || fail 1 "mysql: no member is ONLINE (${MYSQL_NAMES[*]}); see: docker service logs mysql-1"; }

# lock_archive: one at a time writes below BINLOGS, until this script ends.
lock_archive() {
  exec 8>"$BINLOGS/lock"
  flock -w 300 8 || fail 1 "binary logs: another run holds the lock for five minutes"
}

# set_position GTIDS LINE: where the next segment begins; a line is named after the backup that it begins with.
set_position() { printf '%s\n' "$1" "$2" >"$BINLOGS/position.new" && mv "$BINLOGS/position.new" "$BINLOGS/position"; }

# current_line: nothing before the first backup, and for what was archived before there were lines.
current_line() { [[ ! -f $BINLOGS/position ]] || sed -n 2p "$BINLOGS/position"; }

# live: SQL on stdin to the writable member, through the router, as the account that may restore.
live() { mysql --defaults-file="$RESTORE_OPTIONS" --connect-timeout=5 --host=mysql --port=3306 -NB "$@"; }

# scratch [option…]: SQL on stdin to the scratch server.
scratch() { mysql --no-defaults --socket="$SCRATCH/sock" --user=root -NB "$@"; }

readonly SCHEMAS_SQL="SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ($SYSTEM) ORDER BY 1"

# CHECKSUMS_SQL: gives one SELECT a table: its name, number of rows, and a checksum over every value.
readonly VALUE_SQL="CONCAT(', ISNULL(\`', column_name, '\`), HEX(', IF(data_type REGEXP 'geometry|point|polygon|linestring|geomcollection', CONCAT('\`', column_name, '\`)'), CONCAT('CAST(\`', column_name, '\` AS BINARY))')))"
readonly CHECKSUMS_SQL="SET SESSION group_concat_max_len = 1 << 30; SELECT CONCAT('SELECT \"', REPLACE(CONCAT(table_schema, '.', table_name), '\"', '\"\"'), '\", COUNT(*), COALESCE(BIT_XOR(CAST(CONV(LEFT(SHA2(CONCAT_WS(\"#\"', GROUP_CONCAT($VALUE_SQL ORDER BY ordinal_position SEPARATOR ''), '), 256), 16), 16, 10) AS UNSIGNED)), 0) FROM \`', table_schema, '\`.\`', table_name, '\`;') FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ($SYSTEM) GROUP BY table_schema, table_name ORDER BY table_schema, table_name"

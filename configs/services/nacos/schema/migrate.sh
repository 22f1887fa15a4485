#!/usr/bin/env bash
# Brings the database nacos to the newest version of versions/ and rests then; healthy once that is done.
# Nacos needs this service, so its members are started, and rolled, after the migration.
# A version is a file `<number>-<text>.sql`. Killed in the middle it runs again: a statement that can't be
# repeated (ALTER TABLE) stands alone in its file. Inputs: files of /run/secrets.
set -euo pipefail
umask 077
cd /usr/local/lib/nacos-schema
# shellcheck source=configs/lib/member.sh
. ./member.sh
# shellcheck source=configs/services/nacos/schema/decide.sh
. ./decide.sh

readonly RUN=/run/nacos-schema SECRETS=/run/secrets DATABASE=nacos USER_NAME=nacos_schema
declare -A FILES=()

write_options() {
  secret nacos_schema_password
  printf "[client]\nuser=%s\npassword='%s'\nhost=mysql\nssl-mode=VERIFY_IDENTITY\nssl-ca=%s\nconnect-timeout=3\n" \
    "$USER_NAME" "$SECRET" "$SECRETS/internal_ca_certificate" >"$RUN/client.cnf"
}

# sql: runs statements of stdin, the first error ends it. Sets ANSWER; 1 when MySQL does not let us in (no writer, a
# password that it gets with its own roll): that is waited for. Another error ends the service, and so the update.
sql() {
  ANSWER=$(timeout 600 mysql --defaults-file="$RUN/client.cnf" -NB 2>&1) && return
  if [[ $ANSWER =~ ERROR\ (20[0-9][0-9]|1045|1040|1053|1290|3032|3100) ]]; then
    log_once "waits for MySQL: ${ANSWER##*$'\n'}"
    return 1
  fi
  log "failed: $ANSWER"
  exit 1
}

known_versions() {
  local file number sum
  KNOWN=''
  for file in versions/*.sql; do
    number=${file#versions/}
    number=$((10#${number%%-*}))
    read -r sum _ < <(sha256sum "$file")
    FILES[$number]=$file
    KNOWN+="${KNOWN:+ }$number:$sum"
  done
}

# apply NUMBER: in one session, whose lock and whose look at the version before end it with an error if another one migrates.
# The lock is a server's own, and all go through the one writer.
apply() {
  local sum
  read -r sum _ < <(sha256sum "${FILES[$1]}")
  log "applies ${FILES[$1]}"
  sql < <(
    printf 'USE %s;\n' "$DATABASE"
    printf "SELECT IF(GET_LOCK('%s', 60) = 1 AND (SELECT COALESCE(MAX(version), 0) FROM schema_version) = %d, 1, (SELECT 1 UNION SELECT 2));\n" \
      "$USER_NAME" $(($1 - 1))
    cat "${FILES[$1]}"
    printf "INSERT INTO schema_version (version, checksum) VALUES (%d, '%s');\n" "$1" "$sum"
  )
}

migrate() {
  local number
  sql <<<"CREATE DATABASE IF NOT EXISTS $DATABASE; USE $DATABASE;
    CREATE TABLE IF NOT EXISTS schema_version (version INT PRIMARY KEY, checksum CHAR(64) NOT NULL, applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
    SELECT CONCAT(version, ':', checksum) FROM schema_version ORDER BY version" || return
  decide_versions "$KNOWN" "$ANSWER"
  if [[ -n $WRONG ]]; then
    log "$WRONG"
    exit 1
  fi
  for number in $TODO; do apply "$number" || return; done
  number=${KNOWN##* }
  log "the schema is of version ${number%%:*}"
}

main() {
  member_begin "$RUN"
  write_options
  known_versions
  until [[ -n $LEAVING ]] || migrate; do pause 2; done
  : >"$RUN/migrated"
  until [[ -n $LEAVING ]]; do pause 86400; done
}
main "$@" </dev/null

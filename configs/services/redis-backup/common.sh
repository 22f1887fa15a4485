# shellcheck shell=bash
# What the backup scripts share; sourced. Sets BACKUPS, and ASK_AS and REDISCLI_AUTH to the user backup.
set -euo pipefail
umask 077
# shellcheck source=/dev/null
source /etc/redis/cluster.env
# shellcheck source=/dev/null
source /etc/redis/lib.sh
readonly BACKUPS=/backup DUMP=dump.rdb.gz APP_OFF=/backup/.app-off
export ASK_AS=backup REDISCLI_AUTH
REDISCLI_AUTH=$(secret redis_backup_password)

die() { log "$*" && exit 1; }
refuse() { log "$*" && exit 2; }

# One at a time, over all scripts that write. 10 s: run-schedule.sh has it for a moment to let applications in.
take_lock() {
  [[ -z ${BACKUP_LOCKED:-} ]] || return 0
  exec 9>"$BACKUPS/lock"
  flock --wait 10 9 || die "redis-backup: another backup or restore is running; wait for it"
  export BACKUP_LOCKED=yes
}

# Shut applications out, or let them in, on every member. Members don't write it to a file: a restart lets
# them in. APP_OFF is there until every member has let them in: a restore may be killed in between.
app() {
  local member without=''
  [[ $1 == on ]] || { : >"$APP_OFF" && sync "$APP_OFF"; }
  for member in $MEMBERS; do
    [[ $(ask "$member" "$REDIS_PORT" acl setuser app "$1") == OK ]] || without+=" $member"
  done
  if [[ $1 == off ]]; then return; fi
  if [[ -z $without ]]; then rm -f "$APP_OFF"; else log_waiting "for$without, to let applications in again"; fi
}

# The value of a string or number in a manifest (one line of JSON that make-backup.sh wrote).
manifest_field() { sed -nE "s/.*\"$2\":\"?([^\",}]*).*/\1/p" "$BACKUPS/$1/manifest.json"; }

known_backup() {
  [[ $1 =~ ^[0-9]{8}T[0-9]{6}Z$ && -e $BACKUPS/$1/manifest.json ]] ||
    refuse "backup $1: there is none; see: python -m ops backups redis"
}

# `{"name":"db0","rows":5,"checksum":"…"},…` of the scratch server; the checksum is over all databases.
contents_of() {
  scratch info keyspace | tr -d '\r' | awk -F'[:=,]' -v sum="$(scratch debug digest)" '/^db[0-9]+:/ {
    printf "%s{\"name\":\"%s\",\"rows\":%s,\"checksum\":\"%s\"}", between, $1, $3, sum; between = "," }'
}

manifest_contents() { sed -E 's/.*"contents":\[([^]]*)\].*/\1/' "$BACKUPS/$1/manifest.json"; }

# prove ID: checksum of the file, then a load into a scratch server that must hold what the manifest says.
# Leaves the scratch server running. Says why and fails otherwise. Call it as a command, not in a test.
prove() {
  local sum
  sum=$(sha256sum "$BACKUPS/$1/$DUMP" 2>/dev/null | cut -d' ' -f1)
  [[ -n $sum && $sum == "$(manifest_field "$1" sha256)" ]] ||
    { log "backup $1: $DUMP isn't what was written (checksum); use another backup" && return 1; }
  load_scratch "$BACKUPS/$1/$DUMP" held || { log "backup $1: can't be loaded; use another backup" && return 1; }
  [[ $(contents_of) == "$(manifest_contents "$1")" ]] ||
    { log "backup $1: holds something else than its manifest says; use another backup" && return 1; }
}

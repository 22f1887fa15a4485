# shellcheck shell=bash
# What the hooks of Redis share; sourced. Input: REDIS_MEMBERS (names, of the engine).
# shellcheck source=configs/lib/backup/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
readonly REDIS_PORT=6379

# as_user NAME: who asks from now on.
as_user() {
  secret "redis_$1_password"
  export REDISCLI_AUTH=$SECRET REDIS_USER=$1
}

# ask HOST COMMAND…: fails when nobody answers in time.
ask() { timeout "${ASK_LIMIT_S:-2}" redis-cli --user "$REDIS_USER" --no-auth-warning -h "$1" -p "$REDIS_PORT" "${@:2}" 2>/dev/null; }

# field NAME: one line of INFO, which is on stdin.
field_of() { awk -F: -v key="$1" '{ sub(/\r$/, "") } $1 == key { print $2 }'; }

# copy HOST FILE: its data set as an RDB, as a replica gets it.
copy() { redis-cli --user "$REDIS_USER" --no-auth-warning -h "$1" -p "$REDIS_PORT" --rdb "$2" >&2; }

# find_leader: sets LEADER to the only member that says it leads.
find_leader() {
  local member
  LEADER=''
  for member in $REDIS_MEMBERS; do
    [[ $(ask "$member" info replication | field_of role) != master ]] || LEADER+=" $member"
  done
  LEADER=${LEADER# }
  [[ -n $LEADER && $LEADER != *" "* ]] || fail 1 "redis: no single master (${LEADER:-none}), nothing was touched; see: python -m ops status"
}

# holds_data: whether the leader does; no answer doesn't mean that it holds none.
holds_data() {
  local keyspace
  keyspace=$(ask "$LEADER" info keyspace) || keyspace=''
  [[ $keyspace == *'# Keyspace'* ]] || fail 1 "redis: $LEADER doesn't answer, nothing was touched; see: python -m ops status"
  [[ $keyspace == *$'\n'db* ]]
}

# app on|off: lets applications in, or shuts them out, on every member. Members don't write it to a file, so a restart
# lets them in. 1 and WITHOUT when a member did not take it.
app() {
  local member
  WITHOUT=''
  for member in $REDIS_MEMBERS; do [[ $(ask "$member" acl setuser app "$1") == OK ]] || WITHOUT+=" $member"; done
  [[ -z $WITHOUT ]]
}

# scratch COMMAND…: asks the scratch server, which has a socket and no port.
scratch() { env -u REDISCLI_AUTH redis-cli -s "$SCRATCH/socket" "$@"; }

loaded_keys() { scratch info persistence | awk -F: '/^rdb_last_load_keys_(loaded|expired):/ { sum += $2 } END { print sum + 0 }'; }

# shellcheck shell=bash
# What the scripts of redis, redis-sentinel and redis-backup share; sourced, after cluster.env.
# Inputs: MEMBERS, SENTINELS (names), MASTER_NAME; secrets as files below /run/secrets.

readonly REDIS_PORT=6379 SENTINEL_PORT=26379
#: A documentation address (RFC 5737), which nobody has: stands for a peer that was never seen.
readonly NOWHERE=192.0.2.1
declare -A PEER_ADDRESS=()
HOSTS_WRITTEN=

log() { printf '%s [%s] %s\n' "$(date -u +%FT%TZ)" "${0##*/}" "$*" >&2; }

# Say the same only when it changed, or after 30 s: a waiting loop must not fill the log.
log_waiting() {
  [[ ${LAST_WAITING:-} == "$*" ]] && ((SECONDS - LAST_WAITING_S < 30)) && return
  LAST_WAITING=$* LAST_WAITING_S=$SECONDS
  log "waiting: $*"
}

secret() { tr -d '\r\n' <"/run/secrets/$1"; }

# ACL files hold SHA-256 digests. https://redis.io/docs/latest/commands/acl-setuser/
digest_of() { secret "$1" | sha256sum | cut -d' ' -f1; }

# ask HOST PORT COMMAND…: as the user admin, whose password is in REDISCLI_AUTH; fails when nobody answers.
ask() {
  local host=$1 port=$2
  shift 2
  ! grep -q "^$NOWHERE $host " /etc/hosts || return 1
  timeout 2 redis-cli --user "${ASK_AS:-admin}" --no-auth-warning -h "$host" -p "$port" "$@" 2>/dev/null
}

# The value of one line of INFO, read from stdin.
field() { awk -F: -v key="$1" '$1 == key { sub(/\r$/, "", $2); print $2; exit }'; }

# Ask every Sentinel. Sets SEEN (how many answered), MASTER (by the highest configuration epoch, to which
# all Sentinels converge; empty: none of them knows one), AGREED (how many name that one), STEADY (none of
# them sees its master down, or is replacing it). The address is asked for after the epoch, and by the
# command that names the promoted replica as soon as it leads: SENTINEL MASTER names the old one longer.
# shellcheck disable=SC2034  # for the caller
consult() {
  local sentinel answer epoch flags host highest=-1 named=' '
  SEEN=0 MASTER='' STEADY=yes
  for sentinel in $SENTINELS; do
    answer=$(ask "$sentinel" "$SENTINEL_PORT" \
      <<<"sentinel master $MASTER_NAME"$'\n'"sentinel get-master-addr-by-name $MASTER_NAME") || continue
    case $answer in
      *"No such master"*) ((++SEEN)) && continue ;;
      name*) ((++SEEN)) ;;
      *) continue ;; # another password, or still starting: no answer
    esac
    read -r epoch flags host < <(awk '{ last = line; line = $0 } NR % 2 { key = $0; next } { value[key] = $0 }
      END { print value["config-epoch"], value["flags"], last }' <<<"$answer")
    named+="$host "
    [[ $flags == master ]] || STEADY=''
    ((epoch > highest)) && highest=$epoch MASTER=$host
  done
  AGREED=$(grep -ox -- "$MASTER" <<<"${named// /$'\n'}" | wc -l)
}

majority() { (($1 * 2 > $(wc -w <<<"$SENTINELS"))); }

# Names of the members that say that they lead, one a line.
leaders() {
  local member
  for member in $MEMBERS; do
    [[ $(ask "$member" "$REDIS_PORT" info replication | field role) == master ]] && echo "$member"
  done
  return 0
}

# Redis and Sentinel look names up while everything else waits. The name of a service without a living task
# is asked for outside, which can take seconds: Sentinel then enters TILT and never fails over. So peers
# are kept in /etc/hosts: a dead one with its last address, unless somebody living has it.
# Looked up in one go, and not in /etc/hosts itself. https://man7.org/linux/man-pages/man1/getent.1.html
hosts_pass() {
  local name address text=''
  declare -A living=()
  while read -r name address; do living[$name]=$address; done < <(
    # shellcheck disable=SC2086  # several names
    RES_OPTIONS='timeout:1 attempts:1' timeout 6 getent -s hosts:dns ahostsv4 $PEERS 2>/dev/null |
      awk '$2 == "STREAM" && $3 { print $3, $1 }'
  )
  for name in $PEERS; do
    address=${living[$name]:-${PEER_ADDRESS[$name]:-$NOWHERE}}
    [[ -z ${living[$name]:-} && " ${living[*]} " == *" $address "* ]] && address=$NOWHERE
    PEER_ADDRESS[$name]=$address
    text+="$address $name # peer"$'\n'
  done
  [[ $text == "$HOSTS_WRITTEN" ]] && return
  HOSTS_WRITTEN=$text
  printf '%s\n%s' "$HOSTS_BASE" "$text" >/etc/hosts # a mount: it can't be replaced
}

# Keep /etc/hosts true from now on, in the background.
keep_hosts() {
  local name
  PEERS='' HOSTS_BASE=$(grep -v '# peer$' /etc/hosts)
  for name in $MEMBERS $SENTINELS; do [[ $name == "$HOSTNAME" ]] || PEERS+="$name "; done
  hosts_pass
  (while sleep 1; do hosts_pass; done) &
}

# One container at a time on a volume. A node that comes back from a network cut gets its new task at once,
# while the old one, which never stopped, still leaves in good order; Redis itself has no lock, and two
# servers destroy the append-only file. The lock ends with the container. Ends the script on TERM.
own_volume() {
  exec 9>"${1:-/data}/lock"
  until flock -w 1 9; do
    [[ -z $LEAVING ]] || exit 0
    log_waiting "another container still has this volume"
  done
}

# Run a command as redis; root only keeps /etc/hosts.
as_redis() { exec setpriv --reuid redis --regid redis --clear-groups "$@"; }

# Sleep so that a signal is heard at once.
nap() {
  sleep "$1" &
  wait $! || true
}

#!/usr/bin/env bash
# PID 1 of a member of the Redis set: starts redis-server in standby (a replica of nobody that keeps its data),
# looks (observe.sh), decides (decide.sh) and acts; hands over before it stops. docs/decisions/0011-redis.md
# Needs bash, coreutils, findutils, getent, flock, setpriv and redis-cli, most of it only at the start.
# Inputs: /etc/redis/*, secrets below /run/secrets, what the engine tells every member (member.sh), and
# FAILBACK_AFTER_S (0: the first member doesn't lead again by itself).
# Files: /data/member: this volume has held the set's data; /data/LEAD: an operator's "lead now".
# No `set -e`: a peer that doesn't answer is this script's daily bread, not its end.
# shellcheck disable=SC2034 # variables of the files that are sourced together
set -uo pipefail
readonly RUN=/run/redis
#: Lines of its log that end a pause.
readonly SIGNS='eady to accept|DB loaded|Finished with success|aster lost|eplica .*(lost|succeeded|asks)|timedout|MODE enabled|REPLICAOF|secondary replication'
#: A look that took so long was interrupted: the container was frozen.
readonly INTERRUPTED_MS=4000

main() {
  local file
  for file in member names peers observe users decide guard switchover; do
    # shellcheck source=/dev/null
    source "/etc/redis/$file.sh"
  done
  umask 077
  secret redis_admin_password || exit 1
  member_begin $RUN || exit 1
  own_volume /data || exit 0
  look_up "${PEERS[@]}"
  write_conf || exit 1
  start_server "$SIGNS" redis-server $RUN/redis.conf
  open_clients $RUN "$ME" "${PEERS[@]}" || exit 1
  while kill -0 "$SERVER" 2>/dev/null; do
    [[ -z $LEAVING ]] || leave
    look
    rest
  done
  end_with_server
}

# Standby: a replica of a port that nobody listens on. It answers, keeps what it has, and takes no write. The
# port tells the peers whether there is anything to keep. It isn't promoted (priority 0) before it had a link
# to a master: its data may be old, and a replica that never had one passes all of Sentinel's filters, while
# the one with the newest writes may not.
write_conf() {
  local port=$EMPTY_PORT
  [[ ! -e $MEMBER_FILE ]] || port=$HAS_DATA_PORT
  secret redis_replica_password || return
  {
    printf '%s\n' "$(</etc/redis/redis.conf)"
    printf 'aclfile %s/users.acl\nreplica-announce-ip %s\nreplica-announce-port %s\n' $RUN "$ME" "$REDIS_PORT"
    printf 'masteruser replica\nmasterauth "%s"\n' "$SECRET"
    printf 'replica-priority 0\nreplicaof %s %s\n' "$STANDBY_OF" "$port"
  } >$RUN/redis.conf
  member_users >$RUN/users.acl || return
  chown redis:redis $RUN $RUN/redis.conf $RUN/users.acl
  find /data ! -user redis -exec chown -h redis:redis {} +
  if [[ $port == "$EMPTY_PORT" ]]; then log "nothing on this volume"; else log "this volume has held the set's data"; fi
}

look() {
  local began_ms
  now
  began_ms=$NOW_MS BEAT_S=1
  if ! observe; then
    [[ $ROLE != primary ]] || guard_writes
    return
  fi
  decide
  decide_beat "$FAILBACK_AFTER_S"
  act
  [[ $ROLE == standby ]] || note
  now
  ((NOW_MS - began_ms < INTERRUPTED_MS)) || BEAT_S=0
}

act() {
  local what=${ACTION#* }
  case $ACTION in
    none) ;;
    'wait '*) log_once "waiting: $what" ;;
    'follow '*) log "following $what" && follow "$what" ;;
    'yield '*) log "the Sentinels replaced this member" && follow "$what" && own client unpause && WRITES_GUARDED='' ;;
    'lead '*) lead "$what" ;;
    lead_without_writes) lead_without_writes ;;
    allow_writes) own config set min-replicas-to-write 1 && WITHOUT_WRITES='' ;;
    take_order) own config set replica-priority "$USUAL_PRIORITY" && ORDER_TAKEN=yes && rm -f "$LEAD_FILE" ;;
    request_failover) request_failover ;;
    hold_writes) own client pause "$HOLD_MS" write ;;
    resume_writes) own client unpause && WRITES_GUARDED='' ;;
    hand_back) hand_back ;;
  esac
}

follow() { own replicaof "$1" "$REDIS_PORT" && rm -f "$LEAD_FILE"; }

lead() {
  log "LEADING: $1"
  own replicaof no one && : >"$MEMBER_FILE" && own config set replica-priority "$USUAL_PRIORITY" && PRIORITY=$USUAL_PRIORITY
}

# The others can be promoted as soon as they follow, and Sentinel may do so until it has asked this member again
# (every ten seconds). So no writes until then: more replicas are wanted than there are.
lead_without_writes() {
  own config set min-replicas-to-write ${#MEMBERS_OF_SET[@]} || return
  WITHOUT_WRITES=yes
  lead "named by Sentinel, and nobody else can be promoted; writes in $((KNOWN_AFTER_MS / 1000)) s"
}

# A member that is in sync or leads holds the data.
note() {
  if [[ $ROLE-$LINK == replica-up || $ROLE == primary ]] && [[ -z $HAS_DATA ]]; then : >"$MEMBER_FILE"; fi
  decide_priority "$PRESENT_PRIORITY" "$FAILBACK_AFTER_S"
  [[ $PRESENT_PRIORITY == "$PRIORITY" ]] || own config set replica-priority "$PRIORITY"
}

main "$@" </dev/null

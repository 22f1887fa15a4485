#!/usr/bin/env bash
# PID 1 of a member of the Redis set: starts redis-server held (a replica of nobody that keeps its data),
# decides whom to follow, watches, and hands over before it stops. docs/decisions/0011-redis.md
# Needs bash, coreutils, awk, grep, setpriv and redis-cli: the official image and the lab's have them.
# Inputs: /etc/redis/{cluster.env,lib.sh,users.sh,handover.sh,failback.sh,redis.conf}, secrets below
# /run/secrets, FAILBACK_AFTER_S (0: the first member doesn't lead again by itself).
# Files: /data/member: this volume has held the set's data; /data/LEAD: an operator's "lead now".
# No `set -e`: a peer that doesn't answer is this script's daily bread, not its end.
set -uo pipefail
readonly RUN=/run/redis HELD=127.0.0.1 KEEPER=1 BLANK=2 PATIENCE_S=15
readonly MEMBER_FILE=/data/member LEAD_FILE=/data/LEAD

main() {
  # shellcheck source=/dev/null
  source /etc/redis/cluster.env
  # shellcheck source=/dev/null
  source /etc/redis/lib.sh
  # shellcheck source=/dev/null
  source /etc/redis/users.sh
  # shellcheck source=/dev/null
  source /etc/redis/handover.sh
  # shellcheck source=/dev/null
  source /etc/redis/failback.sh
  umask 077
  REDISCLI_AUTH=$(secret redis_admin_password) || exit 1
  export REDISCLI_AUTH
  trap 'LEAVING=yes' TERM INT
  LEAVING='' PATIENT_SINCE='' STUCK_SINCE='' WRITES_FROM='' ORDERED_SINCE='' STEADY_LOOKS=0 OTHER_LOOKS=0 PRIORITY=0
  own_volume
  keep_hosts
  write_conf || exit 1
  (as_redis redis-server $RUN/redis.conf) &
  SERVER=$!
  while kill -0 $SERVER 2>/dev/null; do
    [[ -z $LEAVING ]] || leave
    look
    nap 1
  done
  wait $SERVER
  local status=$?
  log "redis-server ended with $status"
  exit $status
}

self() { ask 127.0.0.1 "$REDIS_PORT" "$@"; }

blank() { [[ ! -e $MEMBER_FILE ]]; }

# Held: a replica of a port that nobody listens on. It answers, keeps what it has, and takes no write. The
# port tells the peers whether there is anything to keep. It isn't promoted (priority 0) before it had a link
# to a master: its data may be old, and a replica that never had one passes all of Sentinel's filters, while
# the one with the newest writes may not.
write_conf() {
  local port=$KEEPER
  blank && port=$BLANK
  mkdir -p $RUN
  {
    cat /etc/redis/redis.conf
    printf 'aclfile %s/users.acl\nreplica-announce-ip %s\nreplica-announce-port %s\n' $RUN "$HOSTNAME" "$REDIS_PORT"
    printf 'masteruser replica\nmasterauth "%s"\n' "$(secret redis_replica_password)"
    printf 'replica-priority 0\nreplicaof %s %s\n' $HELD $port
  } >$RUN/redis.conf
  member_users >$RUN/users.acl
  chown -R redis:redis $RUN
  find /data ! -user redis -exec chown -h redis:redis {} +
  log "$(blank && echo 'nothing on this volume' || echo "this volume has held the set's data")"
}

# One look per second: held – decide; following or leading – note it.
look() {
  local info
  info=$(self info) || return
  [[ $(field loading <<<"$info") == 0 ]] || return
  [[ -z $WRITES_FROM ]] || ((SECONDS < WRITES_FROM)) || take_writes
  if [[ $(field master_host <<<"$info") == "$HELD" ]]; then
    decide
  else
    note "$info"
    [[ $(field role <<<"$info") != master ]] || { yield_to_another && give_back; }
  fi
}

# A failover that began while this master was away, or was asked for by hand: Sentinel itself demotes the
# old master only after some ten seconds, in which a replica that still follows it confirms writes that
# will be lost.
# 1 when another leads.
yield_to_another() {
  consult
  if majority "$AGREED" && [[ -n $MASTER && $MASTER != "$HOSTNAME" ]] && leaders | grep -qx "$MASTER"; then
    ((++OTHER_LOOKS >= 2)) || return 1
    OTHER_LOOKS=0
    log "the Sentinels replaced me"
    follow "$MASTER"
    return 1
  fi
  OTHER_LOOKS=0
}

# Who is in sync or leads holds the data; who is being filled must not be promoted.
note() {
  local priority
  priority=$(field slave_priority <<<"$1") # a master doesn't tell: then it is what was set last
  : "${priority:=$PRIORITY}"
  if [[ $(field role <<<"$1") == master || $(field master_link_status <<<"$1") == up ]]; then
    blank && touch $MEMBER_FILE
    priority_wanted "$1"
  elif [[ $(field master_sync_in_progress <<<"$1") == 1 ]]; then
    PRIORITY=0
  else
    PRIORITY=$priority
    [[ $priority != "$WISH" ]] || PRIORITY=$USUAL
  fi
  [[ $priority == "$PRIORITY" ]] || self config set replica-priority "$PRIORITY" >/dev/null
}

# Held: follow whom the Sentinels name, lead when they name me, else wait and say for whom.
decide() {
  local found
  consult
  found=$(leaders)
  if [[ (-e $LEAD_FILE || -n $ORDERED_SINCE) && -z $found ]]; then
    lead_by_order
  elif majority "$SEEN" && [[ -n $MASTER ]]; then
    decide_by_sentinels "$found"
  elif [[ -n $found && $found != *$'\n'* ]]; then
    follow "$found"
  elif majority "$SEEN" && [[ $HOSTNAME == "${MEMBERS%% *}" ]] && all_blank; then
    lead "first start: nobody has data, no Sentinel knows a master"
  else
    log_waiting "$SEEN Sentinels answer and name no master; leading: ${found:-nobody}"
  fi
}

decide_by_sentinels() {
  [[ -z $STEADY ]] || STUCK_SINCE=''
  if [[ $MASTER != "$HOSTNAME" ]]; then
    if grep -qx "$MASTER" <<<"$1"; then
      follow "$MASTER"
    else
      log_waiting "$MASTER, named by Sentinel, doesn't lead yet; gone for good? touch $LEAD_FILE in the member with the newest data"
    fi
  elif blank; then
    log_waiting "Sentinel names me and this volume is empty: a replica with the data must lead; if none does by itself: touch $LEAD_FILE in the member with the newest data"
    [[ -z $STEADY ]] || request_failover
  elif [[ -z $STEADY ]]; then
    # Leading again while a failover is under way would make two masters.
    STEADY_LOOKS=0
    if stuck; then lead_unseen; else log_waiting "a Sentinel sees me down, or is replacing me"; fi
  elif ((++STEADY_LOOKS < 2)); then
    return
  elif ((SEEN == $(wc -w <<<"$SENTINELS"))) || patient; then
    lead "named by $SEEN Sentinels"
  else
    log_waiting "all Sentinels, $PATIENCE_S s: one that is away may know a newer master"
  fi
}

patient() {
  : "${PATIENT_SINCE:=$SECONDS}"
  ((SECONDS - PATIENT_SINCE >= PATIENCE_S))
}

# Sentinel takes a master for down that has been a replica for 23 s, as a held one is; when none of the
# others can be promoted either, all would wait for ever. 15 s: it goes by what INFO said 5 s ago.
stuck() {
  nobody_promotable || { STUCK_SINCE='' && return 1; }
  : "${STUCK_SINCE:=$SECONDS}"
  ((SECONDS - STUCK_SINCE >= PATIENCE_S))
}

# Of the others at least one answers, and none that does could be promoted.
nobody_promotable() {
  local member info others=0
  for member in $MEMBERS; do
    [[ $member != "$HOSTNAME" ]] || continue
    info=$(ask "$member" "$REDIS_PORT" info replication) || continue
    [[ $(field slave_priority <<<"$info") == 0 ]] || return 1
    ((++others))
  done
  ((others))
}

# Sentinel hears of a priority only while a member is a replica, and never takes one for the master that had 0.
# So the usual one first; Sentinel may promote me before the time is over.
lead_by_order() {
  rm -f "$LEAD_FILE"
  if [[ -z $ORDERED_SINCE ]]; then
    log "to lead in $KNOWN_AFTER_S s: an operator said so ($LEAD_FILE)"
    self config set replica-priority "$USUAL" >/dev/null && ORDERED_SINCE=$SECONDS
  elif ((SECONDS - ORDERED_SINCE >= KNOWN_AFTER_S)); then
    lead "an operator said so ($LEAD_FILE)"
  fi
}

# The others can be promoted as soon as they follow, and Sentinel may do so until it has asked me again
# (every ten seconds). So no writes until then: more replicas are wanted than there are.
lead_unseen() {
  self config set min-replicas-to-write "$(wc -w <<<"$MEMBERS")" >/dev/null || return
  WRITES_FROM=$((SECONDS + KNOWN_AFTER_S))
  lead "named by Sentinel, and nobody else can be promoted; writes in $KNOWN_AFTER_S s"
}

# As redis.conf has it.
take_writes() { self config set min-replicas-to-write 1 >/dev/null && WRITES_FROM=''; }

all_blank() {
  local member
  for member in $MEMBERS; do
    [[ $(ask "$member" "$REDIS_PORT" info replication | field master_port) == "$BLANK" ]] || return 1
  done
}

lead() {
  log "LEADING: $1"
  self replicaof no one >/dev/null && touch $MEMBER_FILE && self config set replica-priority "$USUAL" >/dev/null
}

follow() {
  log "following $1"
  self replicaof "$1" "$REDIS_PORT" >/dev/null
}

main "$@" </dev/null

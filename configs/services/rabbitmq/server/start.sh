#!/usr/bin/env bash
# PID 1 of a member: finds or founds the cluster (decide.sh), runs the server, makes what is declared (reconcile.sh),
# and leaves in good order (stop.sh). docs/decisions/0024-rabbitmq.md
# Inputs: those of member.sh, /etc/rabbitmq, files of /run/secrets. Needs bash, coreutils, flock and RabbitMQ's commands.
# No `set -e`: a peer that doesn't answer is this script's daily bread, not its end.
# shellcheck disable=SC2034 # variables of the files that are sourced together
set -uo pipefail
umask 077
readonly HERE=/usr/local/lib/rabbitmq DATA=/var/lib/rabbitmq
#: Written before the founder's first start, and once a member has joined: what lies beside it is part of the cluster.
readonly MARKER=$DATA/member
for part in member api decide peers reconcile stop; do
  # shellcheck source=/dev/null
  . "$HERE/$part.sh"
done
ME=$HOSTNAME SERVER=''
readonly RETRY_S=5

main() {
  member_begin "$RUN" || exit 1
  own_volume "$DATA" || exit 0
  cookie && make_credentials && make_configuration || exit 1
  epmd -daemon
  enter_cluster || exit 0
  start_server
  settle
  while kill -0 "$SERVER" 2>/dev/null; do
    [[ -z $LEAVING ]] || leave
    wait "$SERVER" # without a turn: a signal ends it
  done
  wait "$SERVER"
  STATUS=$?
  log "rabbitmq-server ended with $STATUS"
  exit "$STATUS"
}

cookie() {
  secret rabbitmq_erlang_cookie || return
  rm -f "$HOME/.erlang.cookie"
  printf '%s' "$SECRET" >"$HOME/.erlang.cookie" && chmod 0400 "$HOME/.erlang.cookie"
}

# default_*: used on an empty cluster, never after. https://www.rabbitmq.com/docs/access-control#default-state
make_configuration() {
  mkdir -p "$RABBITMQ_CONFIG_FILES" &&
    printf 'default_user = members\ndefault_pass = %s\n' "$MEMBERS_PASSWORD" >"$RABBITMQ_CONFIG_FILES/10-first-user.conf"
}

# enter_cluster: what the server is to do is in its configuration then. Fails on TERM.
enter_cluster() {
  local what
  until [[ -n $LEAVING ]]; do
    HAS_DATA=''
    if [[ -e $MARKER ]]; then HAS_DATA=yes; else say_empty; ask_peers; fi
    decide
    what=${ACTION#* }
    case $ACTION in
      start) log "this volume has been part of the cluster" ;;
      found) log "FOUNDS the cluster: all members answer and are empty" && empty_volume && : >"$MARKER" && peers_are "$ME" ;;
      join*) forget_me "$what" && log "joins the cluster of $what" && empty_volume && peers_are "$ME" "$what" ;;
      wait*) log_once "waiting: $what" && false ;;
    esac && { say_empty_no_more; return 0; }
    pause 1
  done
  return 1
}

# What a start that was broken off left behind.
empty_volume() { rm -rf "${DATA:?}/mnesia"; }

peers_are() {
  local number=0 name
  for name; do
    printf 'cluster_formation.classic_config.nodes.%d = rabbit@%s\n' $((++number)) "$name"
  done >"$RABBITMQ_CONFIG_FILES/20-peers.conf"
}

# forget_me MEMBER: an emptied member has forgotten its votes and must not come back as the one it was: it would elect
# leaders that lack what was confirmed. So the cluster drops that one first, and every queue its copy there.
# While MEMBER starts it doesn't know who belongs to the cluster.
forget_me() {
  local said target="rabbit@$1"
  if ! timeout "$ASK_S" bash -c "</dev/tcp/$1/$API_PORT" 2>/dev/null; then
    log_once "waiting: $1 has data, and does not serve yet"
    return 1
  fi
  if ! said=$(rabbitmqctl --node "$target" --quiet forget_cluster_node "rabbit@$ME" 2>&1) && [[ $said != *not_a_cluster_node* ]]; then
    log_once "waiting: $1 can't forget what this member was: ${said//$'\n'/ }"
    return 1
  fi
  API_HOST=$1 api GET '/api/queues?columns=name,members' && [[ $REPLY != *"\"rabbit@$ME\""* ]] && return
  log_once "waiting: queues still count this member's lost copies (no majority without them? docs/decisions/0024-rabbitmq.md)"
  rabbitmq-queues --node "$target" --quiet shrink "rabbit@$ME" >&2
  return 1
}

start_server() {
  export RABBITMQ_DIST_PORT=25672
  (exec rabbitmq-server) &
  SERVER=$!
}

# settle: until everything is as declared, or TERM; a member that serves has nothing to do.
settle() {
  until [[ -n $LEAVING ]] || ! kill -0 "$SERVER" 2>/dev/null; do
    if reconcile; then return; fi
    pause $RETRY_S
  done
}

main "$@" </dev/null

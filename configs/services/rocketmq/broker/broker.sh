#!/usr/bin/env bash
# shellcheck disable=SC2015,SC2034,SC2154,SC2153  # the scripts that broker.sh and namesrv.sh source share their variables
# PID 1 of a broker: starts it, then looks every second (set.sh), decides (decide.sh) and acts. The controllers elect; this
# says how many copies an acknowledged message has, makes what is declared, hands over before it stops.
# Needs bash, coreutils, setpriv and flock. docs/decisions/0025-rocketmq.md
# Inputs: those of member.sh, LAYOUT (replicated, masters), ROCKETMQ_NAMESRV_MEMBERS, secrets below /run/secrets.
set -uo pipefail
readonly HERE=/etc/rocketmq
DECLARED='' SAID_ROLE='' FOLLOW_AGAIN_S=0 IN_SYNC_AT_S='' OUT_FOR_S=-1

main() {
  local file
  for file in member.sh java.sh remoting.sh controllers.sh set.sh decide.sh objects.sh leave.sh memory.env; do
    # shellcheck source=/dev/null
    source "$HERE/$file"
  done
  readonly ME=$HOSTNAME MEMBER_COUNT=${#MEMBER_NAMES[@]}
  ACKS=$MEMBER_COUNT
  begin_member || exit
  say_role NONE
  inner_user && write_conf && compile_classes || exit 1
  start_java org.apache.rocketmq.broker.BrokerStartup 36 26 -c "$RUN"/broker.conf
  while kill -0 "$SERVER" 2>/dev/null; do
    if [[ -n $LEAVING ]]; then leave; break; fi
    turn
    pause 1
  done
  say_role NONE
  wait "$SERVER"
}

# inner_user: by which brokers sign among each other, named after its password, as a broker makes only a user that it
# doesn't have yet. Sets INNER_USER and FORMER_INNER_USER.
inner_user() {
  local known=''
  secret rocketmq_broker_password || return
  INNER_USER=$(printf %s "$SECRET" | sha256sum) && INNER_USER=inner-${INNER_USER:0:8}
  [[ ! -e $STORE/inner-users ]] || known=$(<"$STORE/inner-users")
  [[ ${known%% *} == "$INNER_USER" ]] || known="$INNER_USER${known:+ ${known%% *}}"
  FORMER_INNER_USER=${known#"$INNER_USER"} && FORMER_INNER_USER=${FORMER_INNER_USER# }
  printf '%s\n' "$known" >"$STORE/inner-users"
}

write_conf() {
  local inner="{\"accessKey\":\"$INNER_USER\",\"secretKey\":\"$SECRET\"}"
  {
    printf '%s\n' "$(<$HERE/broker.conf)"
    printf 'brokerIP1=%s\nbrokerIP2=%s\n' "$HOSTNAME" "$HOSTNAME"
    printf 'innerClientAuthenticationCredentials=%s\n' "$inner"
    case $LAYOUT in
      # In sync: all whose copy counts. autoInSync, allAck: docs/decisions/0025-rocketmq.md#copies
      replicated)
        printf 'brokerName=%s\nbrokerId=-1\nbrokerRole=SLAVE\nenableControllerMode=true\n' "$SET"
        printf 'allAckInSyncStateSet=false\ninSyncReplicas=%s\nminInSyncReplicas=%s\n' "$MEMBER_COUNT" "$LEAST_ACKS"
        ;;
      masters) printf 'brokerName=%s\nbrokerId=0\nbrokerRole=ASYNC_MASTER\n' "$HOSTNAME" ;;
      *) log "LAYOUT is $LAYOUT; write replicated or masters" && return 1 ;;
    esac
  } >"$RUN"/broker.conf
  chown "$OWNER" "$RUN"/broker.conf
}

# compile_classes: what 5.5.0 lacks; each class says what for. Without them a broker would let in too much: it doesn't start.
compile_classes() {
  mkdir -p "$RUN"/classes && chown "$OWNER" "$RUN"/classes || return
  setpriv --reuid 3000 --regid 3000 --clear-groups javac -J-Xmx64m -nowarn -cp "$ROCKETMQ_HOME/lib/*" -d "$RUN"/classes $HERE/*.java
}

turn() {
  if [[ $LAYOUT == masters ]]; then
    # shellcheck disable=SC2034  # decide_next reads them
    MASTER=$HOSTNAME ROLE=PRIMARY IN_SYNC_COUNT=$MEMBER_COUNT
  elif ! observe_set; then
    log_once "no controller leads"
  fi
  say_role "$ROLE"
  OUT_FOR_S=-1
  if [[ $ROLE != NONE ]]; then IN_SYNC_AT_S=$SECONDS
  elif [[ -n $IN_SYNC_AT_S ]]; then OUT_FOR_S=$((SECONDS - IN_SYNC_AT_S)); fi
  decide_next
  case $ACTION in
    'acks '*) set_broker inSyncReplicas "${ACTION#* }" && ACKS=${ACTION#* } && log "acknowledges with $ACKS copies; in sync: $IN_SYNC" ;;
    'clean '*) clean_stale "${ACTION#* }" ;;
    'follow '*) follow_master ;;
    restart) log "no copies from $MASTER for $OUT_FOR_S s, and it has nobody else: starts anew" && kill -KILL "$SERVER" ;;
    declare) declare_objects && DECLARED=yes ;;
  esac
}

# follow_master: a replica asks the name servers where the master's copies come from, once in half a minute and often too
# early; told so, it connects at once. Said again while it catches up, as a change of roles forgets it.
follow_master() {
  ((SECONDS >= FOLLOW_AGAIN_S)) || return 0
  FOLLOW_AGAIN_S=$((SECONDS + 3))
  link 127.0.0.1 "$BROKER_PORT" "$INNER_USER" rocketmq_broker_password &&
    done_by "$EXCHANGE_HA" '' masterAddress "$MASTER:$BROKER_PORT" masterHaAddress "$MASTER:$REPLICATION_PORT"
}

# set_broker KEY VALUE: of the running broker; a start begins with the file anew.
set_broker() { link 127.0.0.1 "$BROKER_PORT" "$INNER_USER" rocketmq_broker_password && done_by "$UPDATE_CONFIG" "$1=$2"; }

say_role() {
  [[ $1 != "$SAID_ROLE" ]] || return 0
  [[ -z $SAID_ROLE ]] || log "role: $1"
  SAID_ROLE=$1
  printf '%s\n' "$1" >"$RUN"/role
}

main "$@" </dev/null

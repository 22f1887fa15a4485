# shellcheck shell=bash disable=SC2034,SC2153  # the scripts that source this file read them
# shellcheck disable=SC2015,SC2034,SC2154,SC2153  # the scripts that broker.sh and namesrv.sh source share their variables
# What the controllers say of the broker set, and what is asked of them; sourced after remoting.sh and controllers.sh.
readonly CLUSTER=platform SET=broker-a
MASTER='' IN_SYNC='' IN_SYNC_COUNT=0 STALE_IDS='' ROLE=NONE
declare -A ID_OF=()

# observe_set: sets MASTER, IN_SYNC (members' names), IN_SYNC_COUNT, ID_OF, STALE_IDS and ROLE, by one question over a link
# that is kept. Fails when no controller leads: then nothing is known, and ROLE is NONE.
observe_set() {
  MASTER='' IN_SYNC='' IN_SYNC_COUNT=0 STALE_IDS='' ROLE=NONE ID_OF=()
  [[ -n $REMOTE && -z $LINK_USER ]] || link_leader || return
  ask "$GET_SYNC_STATE" "[\"$SET\"]" && [[ $ANSWER_CODE == 0 ]] || { unlink_remote && return 1; }
  read_set "$ANSWER_BODY"
}

# read_set JSON: BrokerReplicasInfo of one set.
read_set() {
  local in_sync=${1#*'"inSyncReplicas":['} others=${1#*'"notInSyncReplicas":['} name id
  [[ $1 =~ \"masterAddress\":\"([^\":]+) ]] && MASTER=${BASH_REMATCH[1]}
  while next_replica "${in_sync%%']'*}"; do
    in_sync=${in_sync#*'}'}
    [[ -n $ALIVE ]] || continue
    IN_SYNC+="${IN_SYNC:+ }$NAME" ID_OF[$NAME]=$ID IN_SYNC_COUNT=$((IN_SYNC_COUNT + 1))
  done
  while next_replica "${others%%']'*}"; do
    others=${others#*'}'}
    [[ $NAME != "$HOSTNAME" || -z ${ID_OF[$NAME]:-} ]] || STALE_IDS+="${STALE_IDS:+;}$ID"
  done
  if [[ $MASTER == "$HOSTNAME" ]]; then
    ROLE=PRIMARY
  elif [[ -n ${ID_OF[$HOSTNAME]:-} && -n $MASTER ]]; then
    ROLE=SECONDARY
  fi
}

# next_replica TEXT: sets NAME, ID and ALIVE of its first object.
next_replica() {
  local first=${1%%'}'*}
  ALIVE=''
  [[ $first != *'"alive":true'* ]] || ALIVE=yes
  [[ $first =~ \"brokerAddress\":\"([^\":]+) ]] && NAME=${BASH_REMATCH[1]} &&
    [[ $first =~ \"brokerId\":([0-9]+) ]] && ID=${BASH_REMATCH[1]}
}

# missing: sets MISSING, the members that are not in sync.
missing() {
  local name
  MISSING=''
  for name in "${MEMBER_NAMES[@]}"; do [[ -n ${ID_OF[$name]:-} ]] || MISSING+="${MISSING:+, }$name"; done
  [[ -n $MISSING ]]
}

# clean_stale IDS: an emptied member got a new id; the controllers keep the old one for ever.
clean_stale() {
  done_by "$CLEAN_BROKER" '' brokerControllerIdsToClean "$1" brokerName $SET clusterName $CLUSTER invokeTime 0 isCleanLivingBroker false &&
    log "removed the entries of former lives of this member: $1"
}

# hand_over: the first member that is in sync leads instead of this one.
hand_over() {
  local name
  for name in "${MEMBER_NAMES[@]}"; do
    [[ $name != "$HOSTNAME" && -n ${ID_OF[$name]:-} ]] || continue
    done_by "$ELECT_MASTER" '' brokerId "${ID_OF[$name]}" brokerName $SET clusterName $CLUSTER designateElect true invokeTime 0 &&
      log "hands over to $name" && return
  done
  log "nobody to hand over to"
  return 1
}

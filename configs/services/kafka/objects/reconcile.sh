#!/usr/bin/env bash
# PID 1 of kafka-objects: makes topics, users and rights as /etc/kafka/objects says, and rests. Kafka's own tools do it,
# each a JVM of some seconds: two look, others run only for what differs. Nothing is deleted, no topic loses partitions.
# A user's password can't be read back, so it is set at every start: a changed secret is a new start.
set -uo pipefail
readonly OPERATOR=/etc/kafka/operator.properties DONE=/dev/shm/reconciled
readonly LOOK_EVERY_S=60 WHOLE_WITHIN_S=60
OBJECTS=()

main() {
  # shellcheck source=configs/lib/member.sh
  . /etc/kafka/member.sh
  umask 077
  member_begin /tmp || exit 1
  mapfile -t OBJECTS </etc/kafka/objects
  read -ra MEMBER_NAMES <<<"${OBJECTS[0]#* }"
  printf -v SERVERS ',%s:9094' "${MEMBER_NAMES[@]}"
  while [[ -z $LEAVING ]]; do
    until_true $WHOLE_WITHIN_S whole || log "not all members are there; tries all the same"
    if reconcile; then
      log "all as declared"
      : >$DONE
      until [[ -n $LEAVING ]] || { pause $LOOK_EVERY_S && look && ! has_topics; }; do :; done
    else
      pause 10
    fi
  done
}

# look: sets BROKERS and PARTITIONS, as the first member that answers sees them.
look() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    PARTITIONS=$(timeout 10 bash /etc/kafka/ask.sh partitions "$member" 2>/dev/null) || continue
    BROKERS=${PARTITIONS%%$'\n'*} && return
  done
  return 1
}

# shellcheck disable=SC2317 # until_true calls it
whole() {
  if [[ -n $LEAVING ]] || { look && ((BROKERS == ${#MEMBER_NAMES[@]})); }; then return; fi
  log_once "waits for all members"
  pause 1
  return 1
}

# has_topics: false when a declared topic is gone, as in a cluster that was founded anew.
has_topics() {
  local line words
  for line in "${OBJECTS[@]}"; do
    read -ra words <<<"$line"
    [[ ${words[0]} != topic || $PARTITIONS == *$'\n'"${words[1]}-$((words[2] - 1)) "* ]] || return 1
  done
}

# tool CLASS ARGUMENTS…: one of Kafka's own tools, as operator, over the port of brokers.
tool() {
  java -Xmx64m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile=/etc/kafka/log4j2.properties \
    -Dlevel=warn -cp '/opt/kafka/libs/*' "$1" --bootstrap-server "${SERVERS:1}" --command-config $OPERATOR "${@:2}" </dev/null
}

reconcile() {
  local line failed=0
  look_at_topics && look_at_rights || return
  set -f   # * is a name
  for line in "${OBJECTS[@]}"; do
    [[ -z $LEAVING ]] || return
    # shellcheck disable=SC2086 # the words of a line
    case ${line%% *} in
      topic) topic ${line#* } ;;
      user) [[ -e $DONE ]] || user ${line#* } ;;
      acl) acl ${line#* } ;;
    esac || failed=1
  done
  return $failed
}

# look_at_topics: sets COUNT[topic], its partitions, and SETTINGS[topic]: ,a=b,c=d,
declare -A COUNT SETTINGS
look_at_topics() {
  local said line
  said=$(tool org.apache.kafka.tools.TopicCommand --describe) || return
  COUNT=() SETTINGS=()
  while IFS= read -r line; do
    [[ $line =~ ^Topic:\ ([^[:space:]]+).*PartitionCount:\ ([0-9]+).*Configs:\ ?(.*)$ ]] || continue
    COUNT[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]} SETTINGS[${BASH_REMATCH[1]}]=,${BASH_REMATCH[3]},
  done <<<"$said"
}

# look_at_rights: sets RIGHTS: lines "user kind pattern name operation"
look_at_rights() {
  local said line resource=''
  said=$(tool org.apache.kafka.tools.AclCommand --list) || return
  RIGHTS=$'\n'
  while IFS= read -r line; do
    if [[ $line =~ resourceType=([A-Z_]+),\ name=(.*),\ patternType=([A-Z]+)\) ]]; then
      resource="${BASH_REMATCH[1]} ${BASH_REMATCH[3]} ${BASH_REMATCH[2]}"
    elif [[ $line =~ principal=User:(.*),\ host=\*,\ operation=([A-Z_]+),\ permissionType=ALLOW ]]; then
      RIGHTS+="${BASH_REMATCH[1]} $resource ${BASH_REMATCH[2]//_/}"$'\n'
    fi
  done <<<"$said"
}

# topic NAME PARTITIONS SETTING=VALUE…
topic() {
  local name=$1 partitions=$2 setting missing=()
  if [[ -z ${COUNT[$name]:-} ]]; then
    log "creates topic $name"
    for setting in "${@:3}"; do missing+=(--config "$setting"); done
    tool org.apache.kafka.tools.TopicCommand --create --topic "$name" --partitions "$partitions" "${missing[@]}"
    return
  fi
  if ((COUNT[$name] < partitions)); then
    log "topic $name: ${COUNT[$name]} partitions become $partitions"
    tool org.apache.kafka.tools.TopicCommand --alter --topic "$name" --partitions "$partitions" || return
  fi
  for setting in "${@:3}"; do
    [[ ${SETTINGS[$name]} == *,"$setting",* ]] || missing+=("${setting%%=*}=[${setting#*=}]")
  done
  ((${#missing[@]})) || return 0
  setting=$(IFS=, && echo "${missing[*]}")
  log "topic $name: sets $setting"
  tool kafka.admin.ConfigCommand --alter --entity-type topics --entity-name "$name" --add-config "$setting"
}

user() {
  local code=0
  secret "kafka_$1_password" || return
  log "user $1: sets its password"
  printf 'SCRAM-SHA-512=iterations=8192,password=%s\n' "$SECRET" >/tmp/user
  tool kafka.admin.ConfigCommand --alter --entity-type users --entity-name "$1" --add-config-file /tmp/user || code=1
  rm -f /tmp/user
  return $code
}

# acl USER KIND PATTERN NAME OPERATION…
acl() {
  local user=$1 kind=$2 pattern=$3 name=$4 operation missing=() resource=(--cluster)
  for operation in "${@:5}"; do
    [[ $RIGHTS == *$'\n'"$user ${kind^^} $pattern $name ${operation^^}"$'\n'* ]] || missing+=(--operation "$operation")
  done
  ((${#missing[@]})) || return 0
  log "user $user: ${missing[*]} on $kind $name"
  [[ $kind == cluster ]] || resource=("--$kind" "$name" --resource-pattern-type "$pattern")
  tool org.apache.kafka.tools.AclCommand --add --allow-principal "User:$user" "${missing[@]}" "${resource[@]}"
}

main "$@" </dev/null

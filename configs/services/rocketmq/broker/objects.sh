# shellcheck shell=bash disable=SC2153  # variables of the files that are sourced together
# shellcheck disable=SC2015
# Users, rights, topics and groups made as objects.yaml declares them, once after each start. Users and rights are each
# broker's own; topics and groups the master's, from which the others copy them. Sourced by broker.sh.

# declare_objects: fails when not all could be done; the next turn tries again.
declare_objects() {
  local kind name first rest
  link 127.0.0.1 "$BROKER_PORT" "$INNER_USER" rocketmq_broker_password || return
  while read -r kind name first rest; do
    case $kind in
      user) declare_user "$name" "$first" "$rest" || return ;;
      rights) declare_rights "$name" "$first${rest:+ $rest}" || return ;;
    esac
  done <"$HERE"/objects
  drop_inner_users || return
  link "$MASTER" "$BROKER_PORT" "$INNER_USER" rocketmq_broker_password || return
  while read -r kind name first; do
    case $kind in
      topic) declare_topic "$name" "$first" || return ;;
      group) declare_group "$name" || return ;;
    esac
  done <"$HERE"/objects
  log "users, rights, topics and groups are as declared"
}

declare_user() {
  local user
  secret "$3" || return
  user="{\"username\":\"$1\",\"password\":\"$SECRET\",\"userType\":\"$2\",\"userStatus\":\"enable\"}"
  ask "$GET_USER" '' username "$1" || return
  done_by "$([[ -n $ANSWER_BODY ]] && echo "$UPDATE_USER" || echo "$CREATE_USER")" "$user" username "$1"
}

# Rights that are no longer declared go.
declare_rights() {
  local policies="{\"subject\":\"User:$1\",\"policies\":[{\"policyType\":\"Custom\",\"entries\":$2}]}"
  ask "$GET_ACL" '' subject "User:$1" || return
  [[ -z $ANSWER_BODY ]] || done_by "$DELETE_ACL" '' subject "User:$1" || return
  done_by "$CREATE_ACL" "$policies" subject "User:$1"
}

# drop_inner_users: the broker's own user changes its name with its password. The one before stays until the next
# change, for brokers that have not been rolled yet.
drop_inner_users() {
  local users name
  done_by "$LIST_USERS" '' filter inner- || return
  users=$ANSWER_BODY
  while [[ $users =~ \"username\":\"(inner-[0-9a-f]+)\" ]]; do
    users=${users#*"${BASH_REMATCH[0]}"}
    name=${BASH_REMATCH[1]}
    [[ $name == "$INNER_USER" || $name == "$FORMER_INNER_USER" ]] || done_by "$DELETE_USER" '' username "$name" || return
  done
}

declare_topic() {
  local queues=$2
  ask "$GET_TOPIC" '' topic "$1" || return
  if [[ $ANSWER_BODY =~ \"writeQueueNums\":([0-9]+) ]]; then
    ((BASH_REMATCH[1] < queues)) || return 0
    log "topic $1: ${BASH_REMATCH[1]} queues become $queues"
  fi
  done_by "$UPDATE_TOPIC" '' defaultTopic TBW102 order false perm 6 readQueueNums "$queues" topic "$1" \
    topicFilterType SINGLE_TAG topicSysFlag 0 writeQueueNums "$queues"
}

declare_group() {
  ask "$GET_GROUP" '' group "$1" || return
  [[ $ANSWER_CODE != 0 ]] || return 0
  done_by "$UPDATE_GROUP" "{\"groupName\":\"$1\",\"consumeEnable\":true,\"retryQueueNums\":1,\"retryMaxTimes\":16}"
}

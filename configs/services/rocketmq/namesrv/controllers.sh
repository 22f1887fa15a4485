# shellcheck shell=bash disable=SC2034  # the scripts that source this file read them
# shellcheck disable=SC2015,SC2034,SC2154,SC2153  # the scripts that broker.sh and namesrv.sh source share their variables
# The controllers asked who leads them; sourced after remoting.sh.
read -ra CONTROLLERS <<<"${ROCKETMQ_NAMESRV_MEMBERS:-${MEMBERS:-}}"

# leader_known: sets LEADER, the controller that the linked one follows, or fails. A leader may have lost the others.
leader_known() {
  LEADER=''
  ask "$GET_METADATA" '' || return
  [[ $ANSWER =~ \"controllerLeaderAddress\":\"([^\":]+) ]] && LEADER=${BASH_REMATCH[1]}
}

# link_leader: links the leading controller; one whose answer names another is not asked for more.
link_leader() {
  local name
  for name in "${CONTROLLERS[@]}"; do
    link "$name" "$CONTROLLER_PORT" && leader_known || continue
    [[ $LEADER != "$name" ]] || return 0
    link "$LEADER" "$CONTROLLER_PORT" && leader_known && [[ $ANSWER == *'"isLeader":"true"'* ]] && return 0
  done
  unlink_remote
  return 1
}

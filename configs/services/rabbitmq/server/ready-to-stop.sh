#!/usr/bin/env bash
# Whether this member may stop: true, or a line that says why not. All other members run, none of them is leaving, no
# alarm is on, and every queue keeps a majority of its copies without this member (what rabbitmq-upgrade
# await_online_quorum_plus_one waits for). https://www.rabbitmq.com/docs/upgrade#rolling-upgrades
set -uo pipefail

main() {
  local name
  for name in member api; do
    # shellcheck source=/dev/null
    . "/usr/local/lib/rabbitmq/$name.sh"
  done
  api GET '/api/nodes?columns=name,running,being_drained' || why "the management API answers ${STATUS/#0/nothing}"
  for name in "${MEMBER_NAMES[@]}"; do
    [[ $REPLY =~ \{[^}]*\"rabbit@$name\"[^}]*\} ]] || why "$name is no member of the cluster yet"
    check "$name" "${BASH_REMATCH[0]}"
  done
  api GET /api/health/checks/alarms || why "an alarm is on: $REPLY"
  api GET /api/health/checks/node-is-quorum-critical || why "queues would lose their majority: $REPLY"
}

# check MEMBER ITS_STATE
check() {
  [[ $2 == *'"running":true'* ]] || why "$1 does not run"
  [[ $1 == "$HOSTNAME" || $2 != *'"being_drained":true'* ]] || why "$1 is leaving"
}

why() {
  printf '%s\n' "$1"
  exit 1
}
main "$@" </dev/null

#!/usr/bin/env bash
# Prints PRIMARY when this member leads the queue `leader`, whose copies are on all members, SECONDARY when it has a
# copy that is online, NONE as well when most copies are offline. Each queue has a leader of its own: this one stands
# for all. A member that is cut off says so once it misses the others: after net_ticktime.
set -uo pipefail

main() {
  local name online count role=NONE
  for name in member api; do
    # shellcheck source=/dev/null
    . "/usr/local/lib/rabbitmq/$name.sh"
  done
  if api GET '/api/queues/system/leader?columns=leader,online'; then
    online=${REPLY#*\"online\":[} online=${online%%]*}
    count=${online//[!@]/}
    if [[ $online == *"\"rabbit@$HOSTNAME\""* ]] && ((${#count} * 2 > ${#MEMBER_NAMES[@]})); then
      role=SECONDARY
      if field leader && [[ $FIELD == "rabbit@$HOSTNAME" ]]; then role=PRIMARY; fi
    fi
  fi
  printf '%s\n' "$role"
}
main "$@" </dev/null

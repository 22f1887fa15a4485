#!/usr/bin/env bash
# Asks a node. Run it under `timeout` where the node may be gone: connect(2) to an address of nobody's takes minutes.
#   alive              whether this member lives: its controller listens, or it waits for others (start.sh)
#   role               prints PRIMARY (this member is the active controller), SECONDARY (it knows it) or NONE
#   members            prints the members that vote, as this member's broker hears from the active controller
#   epoch HOST         prints the quorum's epoch; 0: it never saw one
#   partitions HOST    prints how many brokers live, then partitions as of wire.sh
set -uo pipefail

main() {
  local id _ part role=NONE
  if [[ $1 == alive ]]; then
    [[ -e /tmp/waiting ]] || exec 3<>"/dev/tcp/$HOSTNAME/9093"
    return
  fi
  # shellcheck source=/dev/null
  for part in member wire; do . "/etc/kafka/$part.sh"; done
  case $1 in
    role)
      if login "$HOSTNAME" 9093 controller && ask_member; then
        if ((LEADER == ${HOSTNAME##*-})); then role=PRIMARY; elif ((LEADER >= 0)); then role=SECONDARY; fi
      fi
      echo $role
      ;;
    members)
      login "$HOSTNAME" 9094 operator && ask_quorum || return
      while read -r id _; do [[ -z $id ]] || echo "${HOSTNAME%-*}-$id"; done <<<"$VOTERS"
      ;;
    epoch) login "$2" 9093 controller && ask_member && echo "$EPOCH" ;;
    partitions) login "$2" 9094 operator && ask_partitions && printf '%s\n%s' "$BROKERS" "$PARTITIONS" ;;
  esac
}
main "$@" </dev/null

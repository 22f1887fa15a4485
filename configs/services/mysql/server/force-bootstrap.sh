#!/usr/bin/env bash
# An operator's last resort when no group comes about by itself: bootstrap it on this member, giving up what
# only other members have. Shows what that is, and does nothing unless each of them is named.
#   docker exec <container of the member to keep> force-bootstrap [--give-up MEMBER]…
set -euo pipefail
cd /usr/local/lib/mysql-member
# shellcheck source=configs/lib/member.sh
. ./member.sh
# shellcheck source=configs/services/mysql/server/sql.sh
. ./sql.sh
# shellcheck source=configs/services/mysql/server/client.sh
. ./client.sh
# shellcheck source=configs/services/mysql/server/observe.sh
. ./observe.sh
GIVEN='' REFUSED=''

read_arguments() {
  while (($#)); do
    case $1 in
      --give-up) GIVEN+=" ${2:?--give-up MEMBER}"; shift 2 ;;
      *) echo "force-bootstrap: $1 is unknown; usage: force-bootstrap [--give-up MEMBER]…" >&2; exit 2 ;;
    esac
  done
}

# show_lost MEMBER: what only it has; REFUSED grows where it was not named.
show_lost() {
  local lost="unknown, it does not answer"
  if [[ ${QUORATE[$1]} == 1 ]]; then
    echo "force-bootstrap: $1 is in a group with quorum; nothing needs forcing" >&2
    exit 2
  fi
  if [[ ${STATES[$1]} != UNREACHABLE ]]; then
    sql "SELECT GTID_SUBTRACT('${SETS[$1]}', '${SETS[$ME]}')"
    lost=${ROWS[*]}
  fi
  echo "$1 is ${STATES[$1]}; only it has: ${lost:-nothing}"
  [[ -z $lost || " $GIVEN " == *" $1 "* ]] || REFUSED+=" --give-up $1"
}

main() {
  local member
  exec {EVENTS}>/dev/null
  read_arguments "$@"
  probe_members || { echo "force-bootstrap: the server here does not answer" >&2; exit 2; }
  for member in "${MEMBER_NAMES[@]}"; do
    [[ $member == "$ME" ]] || show_lost "$member"
  done
  if [[ -n $REFUSED ]]; then
    echo "force-bootstrap: not done; if that may be lost, and the members that don't answer never come back with it, run: force-bootstrap$REFUSED" >&2
    exit 2
  fi
  printf '%s\n' "$GIVEN" >"$DATA/FORCE_BOOTSTRAP"
  echo "$ME bootstraps the group within seconds; see its log"
}
main "$@" </dev/null

#!/usr/bin/env bash
# An operator's last resort when no group comes about by itself: found it on this member, giving up what
# only other members have. Shows what that is, and does nothing unless each of them is named.
#   docker exec <container of the member to keep> force-bootstrap [--give-up MEMBER]…
set -euo pipefail

main() {
  local member given="" lost refused=""
  cd /usr/local/lib/mysql-member
  DATABASE=${DATABASE:-app}
  # shellcheck source=configs/services/mysql/sql.sh
  . ./sql.sh
  # shellcheck source=configs/services/mysql/group.sh
  . ./group.sh
  while (($#)); do
    case $1 in
      --give-up) given+=" ${2:?--give-up MEMBER}"; shift 2 ;;
      *) echo "force-bootstrap: $1 is unknown; usage: force-bootstrap [--give-up MEMBER]…" >&2; exit 2 ;;
    esac
  done
  look_around
  for member in "${MEMBERS[@]}"; do
    [[ $member == "$ME" ]] && continue
    if [[ ${QUORATE[$member]} == 1 ]]; then
      echo "force-bootstrap: $member is in a group with quorum; nothing needs forcing" >&2
      exit 2
    fi
    if [[ ${STATES[$member]} == UNREACHABLE ]]; then
      lost="unknown, it does not answer"
    else
      lost=$(sql <<<"SELECT GTID_SUBTRACT('${SETS[$member]}', '${SETS[$ME]}')")
    fi
    echo "$member is ${STATES[$member]}; only it has: ${lost:-nothing}"
    [[ -z $lost || " $given " == *" $member "* ]] || refused+=" --give-up $member"
  done
  if [[ -n $refused ]]; then
    echo "force-bootstrap: not done; if that may be lost, and the members that don't answer never come back with it, run: force-bootstrap$refused" >&2
    exit 2
  fi
  printf '%s\n' "$given" >"$DATA/FORCE_BOOTSTRAP"
  echo "$ME founds the group within seconds; see its log"
}
main "$@" </dev/null

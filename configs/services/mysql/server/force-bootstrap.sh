#!/usr/bin/env bash
# An operator's last resort when no group comes about by itself: bootstrap it on this member, giving up what
# only other members have. Shows what that is, and does nothing unless each of them is named.
#   docker exec <container of the member to keep> force-bootstrap [--give-up MEMBER]…
set -euo pipefail
cd /usr/local/lib/mysql-member
for part in member client sql observe; do
  # shellcheck source=/dev/null
  . "./$part.sh"
done
GIVEN='' REFUSED=''

fail() { echo "force-bootstrap: $1" >&2; exit 2; }

# show_lost MEMBER: what only it has; REFUSED grows where it was not named.
show_lost() {
  local lost="unknown, it does not answer"
  [[ ${QUORATE[$1]} != 1 ]] || fail "$1 is in a group with quorum; nothing needs forcing"
  if [[ ${STATES[$1]} != UNREACHABLE ]]; then
    sql "SELECT GTID_SUBTRACT('${SETS[$1]}', '${SETS[$ME]}')"
    lost=${ROWS[*]}
  fi
  echo "$1 is ${STATES[$1]}; only it has: ${lost:-nothing}"
  [[ -z $lost || " $GIVEN " == *" $1 "* ]] || REFUSED+=" --give-up $1"
}

main() {
  local member
  # shellcheck disable=SC2034  # for wake: nothing here waits for events
  exec {EVENTS}>/dev/null
  while (($#)); do
    [[ $1 == --give-up ]] || fail "$1 is unknown; usage: force-bootstrap [--give-up MEMBER]…"
    GIVEN+=" ${2:?--give-up MEMBER}"
    shift 2
  done
  probe_members || true
  [[ ${STATES[$ME]} != UNREACHABLE ]] || fail "the server here does not answer"
  for member in "${MEMBER_NAMES[@]}"; do
    [[ $member == "$ME" ]] || show_lost "$member"
  done
  [[ -z $REFUSED ]] ||
    fail "not done; if that may be lost, and the members that don't answer never come back with it, run: force-bootstrap$REFUSED"
  printf '%s\n' "$GIVEN" >"$DATA/FORCE_BOOTSTRAP"
  echo "$ME bootstraps the group within seconds; see its log"
}
main "$@" </dev/null

#!/usr/bin/env bash
# Proves one backup once more: `<ID> proven`, or 1 and the reason.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scratch.sh
. "$(dirname "${BASH_SOURCE[0]}")/scratch.sh"

main() {
  local id=${1:?ID of a backup} why
  known "$id"
  lock
  log "proving $id: checksums, then a restore into a scratch server"
  if ! why=$(prove "$BACKUPS/$id"); then
    MANIFEST=$(manifest "$id") WHY=$why js judge
    die "$id: bad: $why; restore from another one"
  fi
  MANIFEST=$(manifest "$id") WHY='' NOW=$(date -u +%FT%TZ) js judge
  echo "$id proven"
}

main "$@" </dev/null

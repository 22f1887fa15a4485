#!/usr/bin/env bash
# One manifest a line, oldest first; what older versions wrote for a state is told as state_of reads it.
# shellcheck source=configs/lib/backup/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

main() {
  local id MANIFEST
  for id in $(backups); do
    one_line "$STORE/$id"
    MANIFEST=${MANIFEST/'"state":"new"'/'"state":"unproven"'}
    printf '%s\n' "${MANIFEST/'"state":"bad","why":"not proven yet"'/'"state":"unproven"'}"
  done
}

main "$@" </dev/null

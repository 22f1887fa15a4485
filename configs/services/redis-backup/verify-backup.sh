#!/usr/bin/env bash
# Proves a backup again: checksum, load into a scratch server, keys and digest. Argument: its ID.
# shellcheck source=/dev/null
source /usr/local/lib/backup/common.sh
# shellcheck source=/dev/null
source /usr/local/lib/backup/scratch.sh

main() {
  known_backup "${1:-none}"
  take_lock
  prove "$1" || exit 1
  echo "$1 proven"
}
main "$@" </dev/null

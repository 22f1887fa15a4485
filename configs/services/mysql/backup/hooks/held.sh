#!/usr/bin/env bash
# shellcheck disable=SC2119  # no options for the client
# Which of these databases have tables. Usage: held.sh DATABASE…
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

RESTORE_OPTIONS=$(options restore)
filled=$(live <<<"SELECT DISTINCT table_schema FROM information_schema.tables") ||
  fail 1 "mysql: the writable member does not answer, nothing was touched; see: python -m ops status"
for name; do if grep -qxF -- "$name" <<<"$filled"; then echo "$name"; fi; done

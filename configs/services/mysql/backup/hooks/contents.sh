#!/usr/bin/env bash
# shellcheck disable=SC2119  # no options for the client
# What the scratch server holds: table, number of rows, checksum over every value.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

scratch <<<"$CHECKSUMS_SQL" | scratch

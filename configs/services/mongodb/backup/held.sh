#!/usr/bin/env bash
# Which of these databases hold documents. Usage: held.sh DATABASE…
# shellcheck source=configs/services/mongodb/backup/mongodb.sh
. "${BASH_SOURCE[0]%/*}/../mongodb.sh"

find_primary
js held "$@"

#!/usr/bin/env bash
# What the scratch server holds: collection, number of documents, hash.
# shellcheck source=configs/services/mongodb/backup/mongodb.sh
. "${BASH_SOURCE[0]%/*}/../mongodb.sh"

js contents

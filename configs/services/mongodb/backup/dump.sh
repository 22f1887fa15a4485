#!/usr/bin/env bash
# Dumps the set from a secondary as of one moment: the operations during the dump are part of it. Usage: dump.sh FOLDER
# CONTENTS; what it holds is told by its first restore.
. "${BASH_SOURCE[0]%/*}/mongodb.sh"

HOST=$(js source)
[[ -n $HOST ]] || fail 1 "mongodb: no member has data to read; see: python -m ops status"
export HOST
log "reads from $HOST"
login backup
mongodump --host "$HOST" --username backup --authenticationDatabase admin --config "$LOGIN" \
  --oplog --gzip --archive="$1/dump.gz" 2>"$1/report" || fail 1 "mongodump: $(failure "$1/report")"
echo "source=$HOST"
js position

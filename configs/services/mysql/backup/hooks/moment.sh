#!/usr/bin/env bash
# Refuses what is no moment after the backup. Usage: moment.sh FOLDER UNTIL.
# shellcheck source=configs/services/mysql/backup/mysql.sh
. "${BASH_SOURCE[0]%/*}/../mysql.sh"

if [[ ! $2 =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z$ ]] || ! until=$(date -u -d "$2" +%s 2>/dev/null); then
  fail 2 "restore: $2 is no moment; write it as 2026-11-25T01:30:00Z"
fi
made=$(date -u -d "$(field "$1" made_at)" +%s)
((until >= made)) || fail 2 "restore: ${1##*/} was made after $2; take an older backup"

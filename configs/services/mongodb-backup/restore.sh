#!/usr/bin/env bash
# Puts the databases of a proven backup back, by way of a scratch server: what comes back is what was proven.
# A database that holds rows is overwritten only if --overwrite names it. Users stay: they come from secrets.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scratch.sh
. "$(dirname "${BASH_SOURCE[0]}")/scratch.sh"

main() {
  local id='' overwrite='' host why
  while (($#)); do
    case $1 in
      --backup) id=$2 ;;
      --overwrite) overwrite+=" $2" ;;
      --until) refuse "MongoDB's backups are of one moment each; choose one by --backup" ;;
      *) refuse "$1: no such option" ;;
    esac
    shift 2
  done
  known "$id"
  lock
  host=$(js primary)
  [[ -n $host ]] || die "the set has no primary; look at python -m ops status"
  check_overwriting "$id" "$host" "$overwrite"
  log "proving $id before anything is touched"
  why=$(prove "$BACKUPS/$id") || die "$id: bad: $why; nothing was touched"
  fill_scratch "$BACKUPS/$id" "$BACKUPS/.report" || die "the scratch server: $(failure "$BACKUPS/.report"); nothing was touched"
  put_back "$id" "$host"
  why=$(MANIFEST=$(manifest "$id") HOST=$host js equal) ||
    die "$id: restored, but not equal (does an application write?): $why"
  echo "$id restored to $host: $(MANIFEST=$(manifest "$id") js databases)"
}

check_overwriting() { # <ID> <host> <names>
  local endangered
  endangered=$(MANIFEST=$(manifest "$1") HOST=$2 OVERWRITE=$3 js endangered)
  [[ -z $endangered ]] || refuse "$endangered: has data that would be lost; say so by --overwrite $endangered"
}

put_back() { # <ID> <host>
  local database options gone
  gone=$(MANIFEST=$(manifest "$1") HOST=$2 js clear) || die "what is newer than $1 can't be removed: $gone; run the same again"
  [[ -z $gone ]] || log "removed, as $1 hasn't got it: $gone"
  options=$(login root)
  for database in $(MANIFEST=$(manifest "$1") js databases); do
    log "restoring $database"
    mongodump --uri "$SCRATCH_URI" --db "$database" --archive 2>"$BACKUPS/.report" |
      mongorestore --host "rs0/$2" --username root --authenticationDatabase admin --config "$options" \
        --archive --drop --stopOnError --writeConcern majority 2>>"$BACKUPS/.report" ||
      { rm -f "$options"; die "$database: $(failure "$BACKUPS/.report"); it is incomplete now: run the same again"; }
  done
  rm -f "$options"
}

refuse() {
  log "$*"
  exit "$REFUSED"
}

main "$@" </dev/null

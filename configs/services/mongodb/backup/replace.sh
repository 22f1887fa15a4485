#!/usr/bin/env bash
# Puts databases of the scratch server into the running set. Usage: replace.sh DATABASE…; prints what came of it.
# Users stay as they are: they come from secrets.
. "${BASH_SOURCE[0]%/*}/mongodb.sh"

main() {
  local database gone differs
  find_primary
  login root
  gone=$(js clear "$@") || fail 1 "mongodb: what is newer than the backup can't be removed (above); run the same again"
  [[ -z $gone ]] || log "removed, as the backup hasn't got it: $gone"
  for database; do put_back "$database"; done
  if ! contents scratch "$@" || ! contents live "$@"; then fail 1 "mongodb: restored, but it can't be asked what it holds; see above"; fi
  differs=$(unequal "$WORK/scratch" "$WORK/live")
  echo "$* on $HOST${differs:+; it differs already, so somebody is writing to it: $differs}"
}

put_back() {
  log "restores $1"
  mongodump --uri "$SCRATCH_URI" --db "$1" --archive 2>"$WORK/report" |
    mongorestore --host "rs0/$HOST" --username root --authenticationDatabase admin --config "$LOGIN" \
      --archive --drop --stopOnError --writeConcern majority 2>>"$WORK/report" ||
    fail 1 "mongodb: $1: $(failure "$WORK/report"); it is incomplete now: run the same again"
}

# contents SERVER DATABASE…: collections of these, with what they hold, into WORK/SERVER.
contents() {
  js "$1" | awk -F '\t' -v names=" ${*:2} " '{ split($1, part, "."); if (index(names, " " part[1] " ")) print $1 "\t" $2 " rows, " $3 }' |
    sort >"$WORK/$1"
}

main "$@"

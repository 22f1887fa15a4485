#!/usr/bin/env bash
# Puts a backup back. Usage: restore.sh --backup ID [--until TIME] [--only NAME]… [--overwrite NAME]…; prints one line of
# result.
# Everything is rebuilt and proven in a scratch server first; only then the live data is replaced.
. "${BASH_SOURCE[0]%/*}/lib.sh"

main() {
  own_group "$@"
  read_arguments "$@"
  begin_run restore
  mapfile -t NAMES < <(names_of "$FOLDER")
  choose_names
  refuse_unnamed
  [[ -z $HELD ]] || has_hook replay || keep_present
  log "rebuilds $ID in a scratch server"
  prove "$FOLDER" || fail 1 "restore: $ID: $WHY; nothing was touched; take another"
  if [[ -n $UNTIL ]]; then hook replay "$FOLDER" "$UNTIL" || exit; fi
  replace
}

read_arguments() {
  ID='' UNTIL=''
  export OVERWRITE=' '
  ONLY=()
  while (($#)); do
    case $1 in
      --backup) ID=${2:-} ;;
      --until) UNTIL=${2:-} ;;
      --only) ONLY+=("${2:-}") ;;
      --overwrite) OVERWRITE+="${2:-} " ;;
      *) fail 2 "restore: $1 is unknown; --backup ID [--until TIME] [--only NAME] [--overwrite NAME]" ;;
    esac
    shift 2 || fail 2 "restore: $1 lacks its value"
  done
  known_backup "$ID"
  FOLDER=$STORE/$ID
  [[ $(state_of "$FOLDER") != bad ]] || fail 2 "restore: $ID is bad ($(field "$FOLDER" why)); take another"
  [[ -z $UNTIL ]] || has_hook replay || fail 2 "restore: $DATA has no point in time to restore to, only whole backups; leave --until out"
  if [[ -n $UNTIL ]]; then hook moment "$FOLDER" "$UNTIL" || exit; fi
}

# choose_names: sets NAMES to those of --only, if any are given; others' live data stays as it is.
choose_names() {
  local name
  ((${#ONLY[@]})) || return 0
  for name in "${ONLY[@]}"; do
    [[ " ${NAMES[*]} " == *" $name "* ]] || fail 2 "restore: $ID has no $name; it has ${NAMES[*]}"
  done
  NAMES=("${ONLY[@]}")
}

# refuse_unnamed: sets HELD, the names whose live data would be replaced; each must have been given.
refuse_unnamed() {
  local name unnamed=''
  hook held "${NAMES[@]}" >"$WORK/held" || exit
  HELD=$(<"$WORK/held")
  while read -r name; do [[ $OVERWRITE == *" $name "* ]] || unnamed+=" --overwrite $name"; done <"$WORK/held"
  [[ -z $unnamed ]] || fail 2 "restore:${unnamed// --overwrite/} holds data, which would be lost; if that is wanted add$unnamed"
}

# keep_present: where there is no log to replay, what would be lost is backed up first.
keep_present() {
  log "backs up what is there"
  "$LIBRARY/make-backup.sh" before-restore >/dev/null 9>&- || fail 1 "restore: what is there could not be backed up first (above), nothing was touched"
}

# replace: .restoring stays when this is killed or fails; run-schedule.sh finds it.
replace() {
  local code=0
  log "replaces the live data"
  echo "$ID" >"$STORE/.restoring" && sync "$STORE/.restoring"
  hook replace "${NAMES[@]}" >"$WORK/result" || code=$?
  [[ $code == 1 || -e $WORK/unfinished ]] || rm -f "$STORE/.restoring"
  ((code == 0)) || exit "$code"
  echo "restored $ID${UNTIL:+ up to $UNTIL}: $(<"$WORK/result")"
}

main "$@" </dev/null

# shellcheck shell=bash disable=SC2034  # the scripts that source this file read them
# What a member is, and whether it may stop, by what members think (VIEW of api.sh). Pure.

#: Each raft group elects for itself; the leader of this one, which has the services' metadata, is PRIMARY.
readonly ROLE_GROUP=naming_service_metadata

# decide_role VIEW ME: sets ROLE.
decide_role() {
  local word
  ROLE=NONE
  for word in $1; do
    [[ $word == "$ROLE_GROUP="* ]] || continue
    word=${word#*=}
    case ${word%/*} in
      "$2") ROLE=PRIMARY ;;
      ?*) ROLE=SECONDARY ;;
    esac
  done
}

# decide_stop MEMBERS: VIEWS has each member's view. Sets REASON: what a stop would make worse; empty when nothing.
decide_stop() {
  local member word first='' count=0
  REASON=''
  for member in $1; do count=$((count + 1)); done
  for member in $1; do
    if [[ -z ${VIEWS[$member]:-} ]]; then REASON="$member does not answer"; return; fi
    if [[ ${VIEWS[$member]} != *=* || ${VIEWS[$member]} == " up="* ]]; then REASON="$member has no raft group yet"; return; fi
    for word in ${VIEWS[$member]}; do
      case $word in
        up="$count" | *=?*/"$count") ;;
        up=*) REASON="$member sees ${word#up=} of $count members" ;;
        *=/*) REASON="$member knows no leader of ${word%%=*}" ;;
        *) REASON="${word%%=*} has ${word##*/} of $count members at $member" ;;
      esac
      if [[ -n $REASON ]]; then return; fi
    done
    [[ -n $first ]] || first=$member
    if [[ ${VIEWS[$member]} != "${VIEWS[$first]}" ]]; then REASON="$first and $member name different leaders"; return; fi
  done
}

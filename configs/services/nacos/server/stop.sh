# shellcheck shell=bash disable=SC2034,SC2154
# Leaving in good order: not while another member is away or comes back.

#: Of STOP_GRACE_S, for Nacos' own end.
readonly END_S=30

# leave: called once, on TERM.
leave() {
  log "asked to stop"
  until_true $((STOP_GRACE_S - END_S)) may_leave || log "not all is well: $REASON; stops all the same"
  kill -TERM "$SERVER" 2>/dev/null
}

# may_leave: looks every two seconds.
may_leave() {
  ((SECONDS >= ${LOOK_AGAIN_S:-0})) || return 1
  LOOK_AGAIN_S=$((SECONDS + 2))
  look
  [[ -z $REASON ]] || { log_once "waits: $REASON"; return 1; }
}

# look: sets REASON, see decide_stop; and no member may be loading what the others have registered.
look() {
  local member
  local -A VIEWS=()
  for member in "${MEMBER_NAMES[@]}"; do
    read_view "$member" || VIEW=''
    VIEWS[$member]=$VIEW
    if [[ -n $VIEW ]] && ! api "$member" /v3/admin/core/state/readiness; then
      REASON="$member is not ready: ${ANSWER:0:200}"
      return
    fi
  done
  decide_stop "${MEMBER_NAMES[*]}"
}

# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# Roles are told to the routers; nobody asks members for them. The PRIMARY keeps a connection with certificates on both
# sides to each router and tells the roles of all members at every turn. See roles.lua of mysql-router.

readonly ROUTERS=mysql-router ROUTER_PORT=8305 ROUTER_NAME=mysql
#: A router that starts is found after so long at most; one that does not answer for so long gets a new connection.
readonly LOOKUP_S=5 PATIENCE_S=3
declare -A UNANSWERED_S=()
LOOKED_UP_S=-$LOOKUP_S ROUTER_SILENT=''

# tell_all_roles PRIMARY: the table of roles as this member's group has it.
tell_all_roles() {
  local member role roles=''
  for member in "${MEMBER_NAMES[@]}"; do
    role=NONE
    [[ ${GROUP[$member]:-} != ONLINE ]] || role=SECONDARY
    [[ $member != "$1" ]] || role=PRIMARY
    roles+=" $member=$role"
  done
  tell_routers "$VIEW$roles"
}

# tell_own_role: this member is the writer no more, or leaves.
tell_own_role() {
  local router
  tell_routers "$VIEW $ME=$ROLE"
  for router in "${!UNANSWERED_S[@]}"; do drop_router "$router"; done
  ROUTER_SILENT=''
}

tell_routers() {
  local router
  connect_routers
  ROUTER_SILENT=yes
  ((${#UNANSWERED_S[@]} == 0)) || ROUTER_SILENT=''
  for router in "${!UNANSWERED_S[@]}"; do
    client_say "$router" "$1"
    : "${UNANSWERED_S[$router]:=$SECONDS}"
  done
  for router in "${!UNANSWERED_S[@]}"; do hear_router "$router"; done
}

# connect_routers: the name leads to all routers; looked up every second after an event, and while no router is known.
# A name that can't be looked up ends no connection.
connect_routers() {
  local address every_s=$LOOKUP_S
  if ((${#UNANSWERED_S[@]} == 0 || SECONDS < ALERT_UNTIL_S)); then every_s=1; fi
  ((SECONDS - LOOKED_UP_S >= every_s)) || return 0
  LOOKED_UP_S=$SECONDS
  while read -r address _; do
    [[ -n ${CLIENT[$address]:-} ]] || connect_router "$address"
  done < <(exec getent ahostsv4 "$ROUTERS")
}

connect_router() {
  client_start "$1" openssl s_client -connect "$1:$ROUTER_PORT" -quiet -verify_return_error \
    -verify_hostname "$ROUTER_NAME" -CAfile "$SECRETS/internal_ca_certificate" \
    -cert "$SECRETS/mysql_tls_certificate" -key "$SECRETS/mysql_tls_key" || return
  UNANSWERED_S[$1]=''
}

# hear_router ADDRESS: a router that has not answered is asked for at the next turn again.
hear_router() {
  while client_hear "$1" 0.3; do
    case $HEARD in
      told | refused:*)
        UNANSWERED_S[$1]=''
        [[ $HEARD == told ]] || log_once "router $1: $HEARD"
        return ;;
      "$CLIENT_ENDED") drop_router "$1"; break ;;
    esac
  done
  ROUTER_SILENT=yes
  if [[ -v "UNANSWERED_S[$1]" ]] && ((SECONDS - UNANSWERED_S[$1] >= PATIENCE_S)); then drop_router "$1"; fi
}

# drop_router ADDRESS: a lost connection is an event.
drop_router() {
  client_end "$1"
  unset "UNANSWERED_S[$1]"
  ALERT_UNTIL_S=$((SECONDS + ALERT_S))
}

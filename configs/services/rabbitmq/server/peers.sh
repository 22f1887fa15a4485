# shellcheck shell=bash disable=SC2034 # variables of the files that are sourced together
# What other members say of themselves before there is a cluster; sourced. Erlang's port mapper, which every member runs
# for its server anyway, keeps names: the server's is `rabbit`; a member that waits with an empty volume is `empty`.
# https://www.erlang.org/doc/apps/erts/erl_dist_protocol#epmd-protocol
readonly EPMD_PORT=4369 ASK_S=3
declare -A STATE=()
EMPTY_FD=''

# say_empty: the port mapper keeps the name as long as this connection is open.
# 18 bytes: ALIVE2_REQ (120), port 1, hidden node (72), TCP (0), versions 6 to 5, a name of 5 bytes, nothing more.
say_empty() {
  [[ -z $EMPTY_FD ]] || return 0
  { exec {EMPTY_FD}<>"/dev/tcp/127.0.0.1/$EPMD_PORT"; } 2>/dev/null || { EMPTY_FD='' && return 1; }
  printf '\0\x12\x78\0\x01\x48\0\0\x06\0\x05\0\x05empty\0\0' >&"$EMPTY_FD"
}

say_empty_no_more() {
  [[ -z $EMPTY_FD ]] || exec {EMPTY_FD}>&-
  EMPTY_FD=''
}

# Only while this member has no data; a dead address blocks connect(2), so another process asks.
ask_peers() {
  local name
  for name in "${MEMBER_NAMES[@]}"; do
    [[ $name == "$ME" ]] || STATE[$name]=$(timeout $ASK_S bash -c "$(declare -f ask_port_mapper); ask_port_mapper $name" 2>/dev/null) ||
      STATE[$name]=unknown
  done
}

# NAMES_REQ (110): four bytes and a line for each name.
ask_port_mapper() {
  local line
  exec 3<>"/dev/tcp/$1/4369" || return
  printf '\0\x01\x6e' >&3
  while IFS= read -r -t 2 line <&3; do
    case $line in
      *'name rabbit at '*) echo data && return ;;
      *'name empty at '*) echo empty && return ;;
    esac
  done
  return 1
}

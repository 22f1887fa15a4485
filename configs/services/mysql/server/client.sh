# shellcheck shell=bash disable=SC2034,SC2154
# Long-lived children that answer by lines: `mysql` to a server, `openssl s_client` to a router. One child for each
# question would cost some 40 ms of CPU.
#
#   client_start NAME COMMAND…    starts the child
#   client_say NAME TEXT          sends lines
#   client_hear NAME SECONDS      sets HEARD to the next line; CLIENT_ENDED when the child is gone; 1: none in time
#   client_end NAME               ends the child
declare -A CLIENT=() SAY_TO=() HEAR_FROM=()
readonly CLIENT_ENDED='(client ended)'

client_start() {
  local name=$1 fifo=$RUN/client.$$ say hear
  shift
  mkfifo -m 600 "$fifo" && exec {hear}<>"$fifo" && rm -f "$fifo" || return
  exec {say}> >(client_run "$@" >&"$hear" 2>&1)
  CLIENT[$name]=$! SAY_TO[$name]=$say HEAR_FROM[$name]=$hear
}

# client_run COMMAND…: the end of the child is a line for the reader and an event for the member.
client_run() {
  trap 'kill -KILL "$!" 2>/dev/null; exit' TERM
  "$@" <&0 &
  wait "$!"
  printf '\n%s\n' "$CLIENT_ENDED"
  wake client
}

client_say() { [[ -n ${CLIENT[$1]:-} ]] && printf '%s\n' "$2" >&"${SAY_TO[$1]}"; }

client_hear() { [[ -n ${CLIENT[$1]:-} ]] && IFS= read -r -t "$2" -u "${HEAR_FROM[$1]}" HEARD; }

client_end() {
  [[ -n ${CLIENT[$1]:-} ]] || return 0
  local say=${SAY_TO[$1]} hear=${HEAR_FROM[$1]}
  kill -TERM "${CLIENT[$1]}" 2>/dev/null
  exec {say}>&- {hear}<&-
  unset "CLIENT[$1]" "SAY_TO[$1]" "HEAR_FROM[$1]"
}

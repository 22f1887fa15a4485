#!/usr/bin/env bash
# Liveness of a Redis or Sentinel on this machine: it answers at all. Argument: the port.
# NOAUTH is an answer of a living server; so is LOADING. Never depends on a peer.
set -euo pipefail

main() {
  local answer
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf 'PING\r\n' >&3
  read -r -t 2 answer <&3
  case $answer in
    +PONG* | -NOAUTH* | -LOADING* | -BUSY* | -MASTERDOWN*) ;;
    *) echo "port $1 answers ${answer}" >&2 && return 1 ;;
  esac
}
main "$@" </dev/null

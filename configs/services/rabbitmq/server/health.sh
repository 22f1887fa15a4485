#!/usr/bin/env bash
# Liveness: a member that serves answers HTTP; one that starts, waits or leaves has its port mapper. Never asks a peer.
# /run/rabbitmq/serving: start.sh. rabbitmq-diagnostics would start an Erlang VM: a second of CPU.
set -euo pipefail

main() {
  local answer
  if [[ ! -e /run/rabbitmq/serving ]]; then
    exec 3<>/dev/tcp/127.0.0.1/4369
    return
  fi
  exec 3<>/dev/tcp/127.0.0.1/15692
  printf 'GET / HTTP/1.0\r\n\r\n' >&3
  read -r -t 5 answer <&3
  [[ $answer == HTTP/* ]]
}
main "$@" </dev/null

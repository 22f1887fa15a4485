#!/usr/bin/env bash
# Asks one node: ask.sh epoch HOST, or ask.sh partitions HOST (then the first line is how many brokers live).
# Run it under `timeout`: a connect(2) to an address that nobody has any more takes minutes.
set -uo pipefail

main() {
  local part
  for part in member wire; do
    # shellcheck source=/dev/null
    . "/etc/kafka/$part.sh"
  done
  case $1 in
    epoch) login "$2" 9093 controller && ask_member && printf '%s\n' "$EPOCH" ;;
    partitions) login "$2" 9094 operator && ask_partitions && printf '%s\n%s' "$BROKERS" "$PARTITIONS" ;;
  esac
}
main "$@" </dev/null

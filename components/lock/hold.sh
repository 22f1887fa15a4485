#!/usr/bin/env bash
# Holds the run lock of this host as long as the caller's session lives; the kernel frees it however that ends.
# Arguments: the claim, one line of JSON. Stdin: a line every 10 s; its end, or a minute of silence, is ours.
# Says: `taken`, or what show.sh says of the one who has it.
set -euo pipefail

readonly FILE=${LOCK_FILE:-/run/lock/platform-beta-run} SILENCE_S=${LOCK_SILENCE_S:-60}

# Locked, but not yet described: the holder writes in the next instant.
show_holder() {
  local tries=20
  until [[ -s $FILE ]] || ((tries-- == 0)); do sleep 0.1; done
  printf 'held %s\n' "$(date +%s)"
  cat "$FILE"
}

main() {
  local line
  exec 9<>"$FILE"
  # A second of patience: whoever only asks holds it for an instant.
  if ! flock -w 1 9; then
    show_holder
    return
  fi
  # Our process and this host's clock, so that an age needs no other clock.
  printf '%s %s\n%s\n' "$$" "$(date +%s)" "$1" >"$FILE"
  trap ': >"$FILE"' EXIT
  echo taken
  while IFS= read -r -t "$SILENCE_S" line; do
    if [[ $line == stop ]]; then break; fi
  done
}

main "$@"

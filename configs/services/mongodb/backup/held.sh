#!/usr/bin/env bash
# Which of these databases hold documents. Usage: held.sh DATABASE…
. "${BASH_SOURCE[0]%/*}/mongodb.sh"

find_primary
js live >"$WORK/live"
awk -F '\t' '$2 > 0 { sub(/\..*/, "", $1); print $1 }' "$WORK/live" | sort -u | comm -12 - <(printf '%s\n' "$@" | sort)

#!/usr/bin/env bash
# One manifest a line, oldest first.
. "${BASH_SOURCE[0]%/*}/lib.sh"

for id in $(backups); do one_line "$STORE/$id" && printf '%s\n' "$MANIFEST"; done

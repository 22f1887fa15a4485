#!/bin/sh
# shellcheck shell=dash
# What the bucket holds whole of one data service: a manifest a line. Usage: list-backups.sh DATA.
LIBRARY=$(dirname "$0")
. "$LIBRARY/lib.sh"

main() {
  local file folder
  store "${1:-}" >/dev/null
  folder=$(mktemp -d "$WORK/list.XXXXXX")
  # shellcheck disable=SC2064  # expand now: folder is local
  trap "rm -rf '$folder'" EXIT
  s3 copy --include '/[0-9]*Z/manifest.json' "$REMOTE/$1" "$folder"
  for file in "$folder"/*/manifest.json; do
    [ ! -f "$file" ] || { tr -d '\n' <"$file" && echo; }
  done
}

main "$@" </dev/null

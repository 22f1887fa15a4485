#!/usr/bin/env bash
# Every backup's manifest, one a line.
set -euo pipefail

main() { find /backup -mindepth 2 -maxdepth 2 -path '/backup/[0-9]*Z/manifest.json' | sort | xargs -r cat; }

main "$@" </dev/null

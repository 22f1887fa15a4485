#!/usr/bin/env bash
# What needs no lab: lint, format, types and shellcheck beside the tests, which wait for children half of their time.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly BIN=.tools/venv/bin

lint() {
  local status=0
  "$BIN/ruff" check --quiet . || status=1
  "$BIN/ruff" format --quiet --check . || status=1
  "$BIN/mypy" components ops lab tests __main__.py || status=1
  git ls-files -co --exclude-standard -z '*.sh' '.ci/run' | xargs -0 shellcheck || status=1
  return "$status"
}

main() {
  local said status=0
  said=$(mktemp)
  # shellcheck disable=SC2064 # the file's name is known now
  trap "rm -f '$said'" EXIT
  lint >"$said" 2>&1 &
  "$BIN/python" -m pytest -q tests/unit tests/scripts tests/program || status=1
  wait "$!" || status=1
  cat "$said"
  return "$status"
}

main "$@"

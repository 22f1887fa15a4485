#!/usr/bin/env bash
# What needs no lab, side by side: lint and types, unit tests, and the tests that wait for children half of their time.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly BIN=.tools/venv/bin

lint() {
  local status=0
  "$BIN/ruff" check --quiet . || status=1
  "$BIN/ruff" format --quiet --check . || status=1
  "$BIN/mypy" components ops lab tests __main__.py || status=1
  git ls-files -co --exclude-standard -z '*.sh' '.ci/run' 'ops/bin/*' | xargs -0 shellcheck || status=1
  return "$status"
}

run_tests() {
  "$BIN/python" -m pytest -q "$@"
}

main() {
  local folder status=0 job
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder's name is known now
  trap "rm -rf '$folder'" EXIT
  run_tests tests/unit >"$folder/unit" 2>&1 &
  local jobs=($!)
  run_tests tests/scripts tests/program >"$folder/scripts" 2>&1 &
  jobs+=($!)
  lint || status=1
  for job in "${jobs[@]}"; do
    wait "$job" || status=1
  done
  cat "$folder"/*
  return "$status"
}

main "$@"

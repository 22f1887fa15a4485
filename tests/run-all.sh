#!/usr/bin/env bash
# Everything that must hold. A lab that isn't this checkout's is stopped first and started again in the
# end; a lab that this run made is removed again, one that was there stays.
set -euo pipefail
cd "$(dirname "$0")/.."

finish() {
  local status=$?
  if [ -z "$had_lab" ]; then
    make --no-print-directory lab-down || status=1
  fi
  .tools/venv/bin/python -m lab start-others || status=1
  exit "$status"
}

main() {
  had_lab=$([ ! -e .lab/lab.json ] || echo yes)
  python3 lab/check_host.py
  lab/toolchain.sh
  lab/packages.sh
  make --no-print-directory check
  trap finish EXIT
  .tools/venv/bin/python -m lab stop-others
  make --no-print-directory up
  eval "$(lab/toolchain.sh env lab)"
  python -m pytest tests/contract tests/lab
}

main "$@"

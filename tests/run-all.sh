#!/usr/bin/env bash
# Everything that must hold. Another checkout's lab is stopped first and started again in the end; a lab
# that this run made is removed again, one that was there stays.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '== %s (%d s since the start)\n' "$*" "$SECONDS"; }

finish() {
  local status=$?
  trap - EXIT
  if [ -z "$had_lab" ]; then
    say "this run made the lab: removing it"
    make --no-print-directory lab-down || status=1
  else
    if [ "$status" != 130 ]; then # Ctrl-C wants an end
      say "the lab was here before: it is put back as it is declared"
      LAB_WITHOUT=$left_out make --no-print-directory up || status=1
    fi
    .tools/venv/bin/python -m lab start-others || status=1
  fi
  if [ "$status" = 0 ]; then
    say "all that must hold holds; pictures are in artifacts/"
  else
    say "something does not hold; see above. A lab to look into: make up"
  fi
  exit "$status"
}

# A case of every behaviour; `make drill` runs those left out here.
cases() {
  (eval "$(lab/toolchain.sh env lab)" && python -m pytest --durations=20 "$@")
}

main() {
  left_out=${LAB_WITHOUT:-}
  had_lab=$([ ! -e .lab/lab.json ] || echo yes)
  say "host and tool chain"
  python3 lab/check_host.py
  lab/toolchain.sh
  say "make check"
  make --no-print-directory check
  (PATH=$PATH:/usr/local/go/bin; cd lab/images/platform-api && go vet ./... && go test ./...)
  say "the lab"
  trap finish EXIT
  .tools/venv/bin/python -c 'from lab.engine import ensure_engine; ensure_engine()'
  .tools/venv/bin/python -m lab stop-others
  # Nodes that come and go: without the data tier, whose volumes stay if it was there before.
  export LAB_WITHOUT=stateful
  make --no-print-directory up
  say "contract of the plugins, then the environment"
  cases tests/decisions tests/contract tests/lab -m 'not data_tier and not drill'
  # Brokers and registry are for `make drill`: with them the two cores take half an hour longer.
  export LAB_WITHOUT="kafka rabbitmq rocketmq-namesrv rocketmq-broker nacos-schema"
  make --no-print-directory up
  say "the data tier"
  cases tests/lab -m 'data_tier and not drill'
}

main "$@"

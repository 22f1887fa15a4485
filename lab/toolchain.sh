#!/usr/bin/env bash
# The project's tool chain, in .tools/: Python venv, Pulumi, its plugins; and the lab's system packages.
#
#   lab/toolchain.sh              everything (what `make toolchain` does; idempotent)
#   lab/toolchain.sh tools        without system packages: enough to manage real machines
#   lab/toolchain.sh venv         only the Python packages: enough for `make check`
#   lab/toolchain.sh can-download whether Pulumi's official downloads answer (exit code), so that Go isn't needed
#   lab/toolchain.sh env [STACK]  shell exports for `eval` (default: lab)
#
# Inputs from the environment, all optional:
#   PLUGINS=official|offline   insist on one kind of plugins (default: official if they can be downloaded)
#   OFFICIAL_PLUGINS=DIR       where PLUGINS=official finds them: DIR/install PULUMI_HOME
# Decisions: docs/decisions/0001-tool-chain.md
set -euo pipefail

main() {
  CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
  local part
  for part in common python pulumi plugins environment; do
    # shellcheck source=/dev/null
    source "$CHECKOUT/lab/toolchain/$part.sh"
  done
  case ${1:-all} in
    all) install_all packages ;;
    tools) install_all ;;
    venv) lock && install_venv ;;
    can-download) official_site_answers ;;
    env) print_environment "${2:-lab}" ;;
    *) die "toolchain.sh: unknown verb '$1'; use one of: all, tools, venv, can-download, env [STACK]" ;;
  esac
}

# Two runs in one checkout take turns.
lock() {
  mkdir -p "$TOOLS/bin" "$TOOLS/stamps"
  exec 9>"$TOOLS/lock"
  flock 9
}

# Building Pulumi takes longest and needs only Go, so it runs beside everything else.
install_all() {
  lock
  set -m # a process group of its own, so that the compiler ends with us
  install_pulumi 9>&- &
  set +m
  PULUMI_JOB=$!
  trap 'kill -- "-$PULUMI_JOB" 2>/dev/null || true' EXIT
  if [[ ${1:-} == packages ]]; then
    "$CHECKOUT/lab/packages.sh"
  fi
  install_venv
  wait "$PULUMI_JOB"
  trap - EXIT
  install_plugins
  log "ready: $("$TOOLS/bin/pulumi" version), $(plugins_kind) plugins"
}

main "$@" </dev/null

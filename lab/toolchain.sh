#!/usr/bin/env bash
# The project's tool chain, in .tools/: Python venv, Pulumi, its plugins; and the lab's system packages.
#
#   lab/toolchain.sh              everything (what `make toolchain` does; idempotent)
#   lab/toolchain.sh tools        without system packages: enough to manage real machines
#   lab/toolchain.sh lab          everything and the lab's machines, side by side
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
    all) install_all "$CHECKOUT/lab/packages.sh" ;;
    tools) install_all true ;;
    lab) install_all "$CHECKOUT/lab/packages.sh" start_lab ;;
    venv) lock && install_venv ;;
    can-download) official_site_answers ;;
    env) print_environment "${2:-lab}" ;;
    *) die "toolchain.sh: unknown verb '$1'; use one of: all, tools, lab, venv, can-download, env [STACK]" ;;
  esac
}

# Two runs in one checkout take turns.
lock() {
  mkdir -p "$TOOLS/bin" "$TOOLS/stamps"
  exec 9>"$TOOLS/lock"
  flock -n 9 || { log "another run in this checkout is at it: waits for it" && flock 9; }
}

# install_all BEFORE [AFTER]: commands to run before and after the Python packages are there. Building Pulumi takes
# longest and needs only Go, so it runs beside everything else.
install_all() {
  lock
  set -m # a process group of its own, so that the compiler ends with us
  install_pulumi 9>&- &
  set +m
  PULUMI_JOB=$!
  trap 'kill -- "-$PULUMI_JOB" 2>/dev/null || true' EXIT
  PARTS=()
  timed "system packages" "$1"
  timed "Python packages" install_venv
  kill -0 "$PULUMI_JOB" 2>/dev/null || await_pulumi # a failure comes before the minutes that a lab takes
  timed "lab" "${2:-true}"
  timed "waiting for Pulumi" await_pulumi
  trap - EXIT
  timed "plugins" install_plugins
  turn_off_automatic_log
  log "ready: $("$TOOLS/bin/pulumi" version), $(plugins_kind) plugins"
  ((!${#PARTS[@]})) || log "took: $(IFS=, && echo "${PARTS[*]}")"
}

await_pulumi() { wait "$PULUMI_JOB" || die "Pulumi could not be installed; its message is above"; }

# timed PART COMMAND…: keeps what took longer than a second.
timed() {
  local part=$1 began=$SECONDS
  shift
  "$@"
  ((SECONDS - began < 2)) || PARTS+=(" $part $((SECONDS - began)) s")
}

start_lab() { (cd "$CHECKOUT" && "$TOOLS/venv/bin/python" -m lab up 9>&-); }

main "$@" </dev/null

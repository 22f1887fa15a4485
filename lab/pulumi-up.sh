#!/usr/bin/env bash
# `pulumi up` of one stack: without asking where nobody can answer, and in the lab.
set -euo pipefail

main() {
  local stack=$1
  local args=(--stack "$stack")
  pulumi stack select --create "$stack" >/dev/null
  if [ "$stack" = lab ] || [ ! -t 0 ]; then
    args+=(--yes --skip-preview)
  fi
  pulumi up "${args[@]}"
}

main "$@"

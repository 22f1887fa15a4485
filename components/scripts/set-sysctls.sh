#!/usr/bin/env bash
# Kernel settings, now and after a reboot.
# Inputs: SYSCTLS (text of the sysctl.d file: lines key=value, comments; may be empty).
# Result: sysctls <number of keys>
set -euo pipefail

readonly FILE=${SYSCTL_FILE:-/etc/sysctl.d/90-platform-beta.conf}

# Lines "key value", spaces in the value made single, as read_back gives them.
declared() { sed -E '/^[[:space:]]*([#;]|$)/d; s/[[:space:]]*=[[:space:]]*/ /; s/[[:space:]]+/ /g; s/^ | $//g' <<<"${SYSCTLS:-}"; }

read_back() { sysctl -n "$1" 2>/dev/null | tr -s '[:space:]' ' ' | sed 's/ $//'; }

main() {
  local key value count=0 refused=()
  if put_file "$FILE" 0644 "${SYSCTLS:-}"; then log "sysctls changed"; fi
  while read -r key value; do
    [[ -n $key ]] || continue
    count=$((count + 1))
    if [[ $(read_back "$key" || true) == "$value" ]]; then continue; fi
    log "sets $key = $value"
    sysctl -qw "$key=$value" >&2 || true
    [[ $(read_back "$key" || true) == "$value" ]] || refused+=("$key=$value")
  done < <(declared)
  ((${#refused[@]} == 0)) || fail "$(hostname)" "the kernel did not take ${refused[*]}" \
    "correct the values, load the module they need, or leave them out of engine.sysctls"
  printf 'sysctls %s\n' "$count"
}

main "$@" </dev/null

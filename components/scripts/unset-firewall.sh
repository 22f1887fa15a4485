#!/usr/bin/env bash
# Takes away all that set-firewall.sh made. Inputs: none.
# Result: firewall none
set -euo pipefail

readonly FOLDER=${FIREWALL_FOLDER:-/etc/platform-beta} UNIT_FOLDER=${UNIT_FOLDER:-/etc/systemd/system}
readonly LOADED=${FIREWALL_LOADED:-/run/platform-beta-firewall} UNIT=platform-beta-firewall.service

close_in_ufw() {
  local rule
  while read -r rule; do
    xargs ufw delete <<<"$rule" >/dev/null
  done < <(ufw show added | sed -n "s/^ufw \(.*\) comment 'platform-beta'$/\1/p")
}

close_in_firewalld() {
  local zone rule name
  for zone in $(firewall-cmd --permanent --get-zones); do
    while read -r rule; do
      firewall-cmd -q --permanent --zone="$zone" --remove-rich-rule="$rule"
    done < <(firewall-cmd --permanent --zone="$zone" --list-rich-rules | grep '"platform-beta-inet6\?"')
  done
  for name in platform-beta-inet platform-beta-inet6; do
    firewall-cmd -q --permanent --delete-ipset="$name" 2>/dev/null || true
  done
  firewall-cmd -q --reload
}

# The rules go by the unit's own ExecStop; by its program when the unit isn't loaded.
unload() {
  if [[ -f $UNIT_FOLDER/$UNIT ]]; then systemctl -q disable --now $UNIT; fi
  if [[ -f $FOLDER/firewall ]]; then sh "$FOLDER/firewall" stop; fi
  rm -f "$UNIT_FOLDER/$UNIT"
  systemctl daemon-reload
  rm -f "$FOLDER"/firewall* "$LOADED"
  rmdir "$FOLDER" 2>/dev/null || true
}

main() {
  one_at_a_time firewall 120
  if [[ -f $UNIT_FOLDER/$UNIT || -f $FOLDER/firewall ]]; then unload; fi
  if command -v ufw >/dev/null; then close_in_ufw; fi
  if command -v firewall-cmd >/dev/null && systemctl -q is-active firewalld &&
    grep -qrs --include='*.xml' platform-beta- /etc/firewalld; then close_in_firewalld; fi
  if command -v nft >/dev/null && nft list table inet platform_beta >/dev/null 2>&1; then
    fail "$(hostname)" "the table platform_beta is still there" "run 'nft delete table inet platform_beta' on it"
  fi
  printf 'firewall none\n'
}

main "$@" </dev/null

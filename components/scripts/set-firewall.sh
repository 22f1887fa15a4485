#!/usr/bin/env bash
# Keeps the swarm's ports among the nodes and published ports to EDGE_PORTS, also after a reboot. Why so:
# docs/decisions/0005-firewall.md. What it does not name stays with the host's own policy.
# Inputs: NODE_ADDRESSES (by spaces), SELF_ADDRESS, SSH_PORT, EDGE_PORTS (tcp) for EDGE_SOURCES (CIDRs); both may be empty.
# Result: firewall <nft|iptables> <digest of the rules>
set -euo pipefail

readonly FOLDER=${FIREWALL_FOLDER:-/etc/platform-beta} UNIT_FOLDER=${UNIT_FOLDER:-/etc/systemd/system}
readonly LOADED=${FIREWALL_LOADED:-/run/platform-beta-firewall} UNIT=platform-beta-firewall.service
# Swarm's management, gossip and VXLAN, https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts
readonly SWARM_TCP=2377,7946 SWARM_UDP=4789,7946 API_TCP=2375,2376

# list SEPARATOR PATTERN WORDS: the words that match, joined.
list() { tr -s ' ' '\n' <<<"$3" | grep -E "$2" | paste -sd"$1" || true; }

# accept FAMILY ADDRESSES CONDITION: an nft rule, none without addresses.
accept() { if [[ -n $2 ]]; then printf '    %s %s saddr { %s } accept\n' "$3" "$1" "$2"; fi; }

nft_edge() {
  local source ports
  ports=$(list , . "${EDGE_PORTS:-}")
  for source in ${EDGE_SOURCES:-}; do
    [[ -z $ports ]] || printf '    meta l4proto tcp ct original proto-dst { %s } %s saddr %s accept\n' \
      "$ports" "$([[ $source == *:* ]] && echo ip6 || echo ip)" "$source"
  done
}

# `table` before `delete table`: deleting what isn't there would fail; one file is one transaction.
nft_rules() {
  local four six
  four=$(list , '\.' "$NODE_ADDRESSES") six=$(list , : "$NODE_ADDRESSES")
  cat <<EOF
table inet platform_beta
delete table inet platform_beta
table inet platform_beta {
  chain swarm {
$(accept ip "$four" '')
$(accept ip6 "$six" '')
    drop
  }
  chain input {
    type filter hook input priority -10; policy accept;
    iifname "lo" accept
    tcp dport $SSH_PORT accept
    tcp dport { $API_TCP } drop
    tcp dport { $SWARM_TCP } jump swarm
    udp dport { $SWARM_UDP } jump swarm
  }
  chain published {
$(accept ip "$four" '')
$(accept ip6 "$six" '')
$(nft_edge)
    drop
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ct state established,related accept
    iifname { "docker0", "docker_gwbridge" } accept
    ct status dnat jump published
    oifname { "docker0", "docker_gwbridge" } drop
  }
}
EOF
}

# iptables_rules 4|6: the same for iptables-restore --noflush, which replaces only the chains it names.
iptables_rules() {
  local address source port pattern='\.'
  [[ $1 == 4 ]] || pattern=:
  printf '*filter\n:PLATFORM-BETA-IN - [0:0]\n:PLATFORM-BETA-FWD - [0:0]\n'
  printf -- '-A PLATFORM-BETA-IN %s\n' '-i lo -j RETURN' "-p tcp --dport $SSH_PORT -j RETURN" \
    "-p tcp -m multiport --dports $API_TCP -j DROP"
  for address in $(list ' ' "$pattern" "$NODE_ADDRESSES"); do
    printf -- "-A PLATFORM-BETA-IN -s $address %s -j ACCEPT\n" "-p tcp -m multiport --dports $SWARM_TCP" \
      "-p udp -m multiport --dports $SWARM_UDP" '-p esp'
  done
  printf -- '-A PLATFORM-BETA-IN %s -j DROP\n' "-p tcp -m multiport --dports $SWARM_TCP" "-p udp -m multiport --dports $SWARM_UDP"
  printf -- '-A PLATFORM-BETA-FWD %s\n' '-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN' '-i docker0 -j RETURN' \
    '-i docker_gwbridge -j RETURN' '-o docker0 -m conntrack ! --ctstate DNAT -j DROP' '-o docker_gwbridge -m conntrack ! --ctstate DNAT -j DROP'
  for address in $(list ' ' "$pattern" "$NODE_ADDRESSES"); do printf -- '-A PLATFORM-BETA-FWD -s %s -j RETURN\n' "$address"; done
  for source in $(list ' ' "$pattern" "${EDGE_SOURCES:-}"); do
    for port in ${EDGE_PORTS:-}; do
      printf -- '-A PLATFORM-BETA-FWD -s %s -p tcp -m conntrack --ctstate DNAT --ctorigdstport %s -j RETURN\n' "$source" "$port"
    done
  done
  printf -- '-A PLATFORM-BETA-FWD -m conntrack --ctstate DNAT -j DROP\nCOMMIT\n'
}

# The unit's program: `start` loads the rules in one step, `stop` takes them away. It prints what is in force.
nft_loader() {
  cat <<EOF
#!/bin/sh
# rules of nft
set -e
case \$1 in
  start) nft -f $FOLDER/firewall.nft && nft -s list table inet platform_beta >$LOADED ;;
  stop) nft delete table inet platform_beta 2>/dev/null || true ;;
  show) nft -s list table inet platform_beta ;;
esac
EOF
}

iptables_loader() {
  cat <<EOF
#!/bin/sh
# rules of iptables
set -e
# DOCKER-USER is Docker's place for rules before its own; the engine keeps one that is there before it starts.
hook() { \$1 -C \$2 -j \$3 2>/dev/null || \$1 -I \$2 -j \$3; }
unhook() { while \$1 -D \$2 -j \$3 2>/dev/null; do :; done; \$1 -F \$3 2>/dev/null && \$1 -X \$3 || true; }
show() { for tables in $1; do for chain in INPUT DOCKER-USER PLATFORM-BETA-IN PLATFORM-BETA-FWD; do \$tables -S \$chain | grep PLATFORM-BETA || true; done; done; }
for tables in $1; do
  case \$1 in
    start)
      \$tables -N DOCKER-USER 2>/dev/null || true
      \$tables-restore --noflush <$FOLDER/firewall.\$tables
      hook \$tables INPUT PLATFORM-BETA-IN
      hook \$tables DOCKER-USER PLATFORM-BETA-FWD
      ;;
    stop) unhook \$tables INPUT PLATFORM-BETA-IN; unhook \$tables DOCKER-USER PLATFORM-BETA-FWD ;;
  esac
done
case \$1 in start) show >$LOADED ;; show) show ;; esac
EOF
}

# Before the network and the engine; after and together with nftables.service, whose start flushes every table.
unit() {
  cat <<EOF
[Unit]
Description=Firewall of the platform-beta swarm
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target docker.service shutdown.target
After=local-fs.target nftables.service ufw.service firewalld.service netfilter-persistent.service
PartOf=nftables.service
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh $FOLDER/firewall start
ExecReload=/bin/sh $FOLDER/firewall start
ExecStop=/bin/sh $FOLDER/firewall stop

[Install]
WantedBy=multi-user.target
EOF
}

in_force() {
  systemctl -q is-enabled $UNIT && systemctl -q is-active $UNIT && [[ -s $LOADED ]] &&
    [[ -z $(find "$FOLDER" -name 'firewall*' -newer "$LOADED") && $(sh "$FOLDER/firewall" show 2>/dev/null) == "$(cat "$LOADED")" ]]
}

# put FILE MODE TEXT: put_file that counts.
put() { if put_file "$@"; then changed=$((changed + 1)); fi; }

load() {
  local kind=$1 tables=$2 table changed=0
  if [[ -f $FOLDER/firewall ]] && ! grep -qx "# rules of $kind" "$FOLDER/firewall"; then
    systemctl stop $UNIT
    rm -f "$FOLDER"/firewall*
  fi
  if [[ $kind == nft ]]; then
    put "$FOLDER/firewall.nft" 0600 "$(nft_rules)"
    put "$FOLDER/firewall" 0700 "$(nft_loader)"
  else
    for table in $tables; do
      put "$FOLDER/firewall.$table" 0600 "$(iptables_rules "$([[ $table == ip6tables ]] && echo 6 || echo 4)")"
    done
    put "$FOLDER/firewall" 0700 "$(iptables_loader "$tables")"
  fi
  put "$UNIT_FOLDER/$UNIT" 0644 "$(unit)"
  if ((changed == 0)) && in_force; then return; fi
  log "loads the firewall"
  systemctl daemon-reload
  systemctl -q enable $UNIT
  systemctl reload-or-restart $UNIT || true
  in_force || fail "$SELF_ADDRESS" "the firewall's rules are not in force" "see: journalctl -u $UNIT -n 20"
}

others() { for address in $NODE_ADDRESSES; do [[ $address == "$SELF_ADDRESS" ]] || echo "$address"; done; }

ufw_rules() {
  local address
  for address in $(others); do
    printf "allow from $address %s comment 'platform-beta'\n" "to any port $SWARM_TCP proto tcp" \
      "to any port $SWARM_UDP proto udp" 'proto esp'
  done
}

# `ufw show added` gives the very words that made a rule: exactly ours, no others.
allow_in_ufw() {
  local present rule
  present=$(ufw show added | sed -n "s/^ufw \(.*comment 'platform-beta'\)$/\1/p")
  if [[ $present == "$(ufw_rules)" ]]; then return; fi
  log "tells ufw of the nodes"
  while read -r rule; do grep -qxF "$rule" <<<"$present" || xargs ufw <<<"$rule" >/dev/null; done < <(ufw_rules)
  while read -r rule; do grep -qxF "$rule" < <(ufw_rules) || xargs ufw delete <<<"${rule% comment*}" >/dev/null; done < <(grep . <<<"$present")
}

# firewalld FAMILY PATTERN: rules that name an ipset; only its entries change with the list of nodes.
allow_in_firewalld() {
  local family=$1 addresses zone name=platform-beta-$1 rule
  addresses=$(list ' ' "$2" "$(others)" | tr ' ' '\n' | sort)
  zone=$(firewall-cmd --get-zone-of-interface="$(ip -o addr show to "$SELF_ADDRESS" | awk '{print $2; exit}')" 2>/dev/null) ||
    zone=$(firewall-cmd --get-default-zone)
  if [[ $(firewall-cmd --ipset="$name" --get-entries 2>/dev/null | sort) == "$addresses" &&
    (-z $addresses || $(firewall-cmd --zone="$zone" --list-rich-rules | grep -c "\"$name\"") == 5) ]]; then return; fi
  log "tells firewalld of the nodes"
  firewall-cmd -q --permanent --new-ipset="$name" --type=hash:ip --option=family="$family" 2>/dev/null || true
  firewall-cmd -q --permanent --ipset="$name" --remove-entries-from-file=<(firewall-cmd --permanent --ipset="$name" --get-entries) || true
  firewall-cmd -q --permanent --ipset="$name" --add-entries-from-file=<(printf '%s\n' "$addresses")
  for rule in port:2377:tcp port:7946:tcp port:7946:udp port:4789:udp; do
    IFS=: read -r _ port protocol <<<"$rule"
    firewall-cmd -q --permanent --zone="$zone" --add-rich-rule="rule source ipset=$name port port=$port protocol=$protocol accept"
  done
  firewall-cmd -q --permanent --zone="$zone" --add-rich-rule="rule source ipset=$name protocol value=esp accept"
  firewall-cmd -q --reload
}

main() {
  local kind tables=iptables
  need NODE_ADDRESSES SELF_ADDRESS SSH_PORT
  one_at_a_time firewall 120
  if [[ -d /proc/sys/net/ipv6 ]] && command -v ip6tables-restore >/dev/null; then tables+=" ip6tables"; fi
  if command -v nft >/dev/null && nft -c -f <(nft_rules); then kind=nft
  elif command -v iptables-restore >/dev/null; then kind=iptables
  else fail "$SELF_ADDRESS" "has neither nft nor iptables" "install nftables on it"; fi
  load "$kind" "$tables"
  if command -v ufw >/dev/null && [[ $(ufw status) == "Status: active"* ]]; then allow_in_ufw; fi
  if command -v firewall-cmd >/dev/null && systemctl -q is-active firewalld; then
    allow_in_firewalld inet '\.'
    if [[ $NODE_ADDRESSES == *:* ]]; then allow_in_firewalld inet6 :; fi
  fi
  printf 'firewall %s %s\n' "$kind" "$(cat "$FOLDER"/firewall* | sha256sum | head -c 12)"
}

main "$@" </dev/null

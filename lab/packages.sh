#!/usr/bin/env bash
# Debian packages that the lab needs on this machine; only what is missing is installed.
set -euo pipefail

# <command that must be there>=<packages that bring it, joined by +>
readonly NEEDS=(
  dockerd=docker.io docker=docker.io debootstrap=debootstrap iptables=iptables nft=nftables ip=iproute2
  ssh=openssh-client ssh-keygen=openssh-client curl=curl+ca-certificates shellcheck=shellcheck
  mvn=maven # jars of services in Java: their images' build.sh
  chromium=chromium+fonts-liberation # the browser test; without a font its screenshots are blank
)
readonly POLICY=/usr/sbin/policy-rc.d

main() {
  local packages
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]})) || return 0
  log "missing: ${packages[*]}"
  command -v apt-get >/dev/null || die "this is not a Debian host; install the equivalents of these packages yourself"
  [[ $(id -u) == 0 ]] || die "installing packages needs root; run as root, or install them yourself: apt-get install ${packages[*]}"
  log "apt-get update and install (usually 1 to 3 minutes)"
  hold_services
  quiet_apt update
  mapfile -t packages < <(missing_packages) # names that only the fresh lists know
  quiet_apt install --yes --no-install-recommends "${packages[@]}"
  verify
}

missing_packages() {
  local need
  {
    for need in "${NEEDS[@]}"; do
      has "${need%%=*}" || tr + '\n' <<<"${need#*=}"
    done
    # Debian ships Python without what `python3 -m venv` needs.
    if has python3 && ! python3 -c 'import ensurepip' 2>/dev/null; then
      echo python3-venv
    fi
    # From Debian 13 on docker.io comes without the client.
    if ! has docker && apt-cache show docker-cli >/dev/null 2>&1; then
      echo docker-cli
    fi
  } | sort -u
}

# Daemons' commands are in sbin, which an ordinary user's PATH may lack.
has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

# Where systemd is not PID 1 a package's attempt to start its service fails, and the installation with it.
# The lab starts Docker Engine itself. https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
hold_services() {
  if [[ -d /run/systemd/system || -e $POLICY ]]; then
    return
  fi
  trap 'rm -f "$POLICY"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod 0755 "$POLICY"
}

quiet_apt() {
  local record
  record=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any "$@" 2>&1) ||
    die "$record
apt-get $1 failed (its message is above); check /etc/apt and that the package archive answers, then run again"
}

verify() {
  local still
  still=$(missing_packages)
  [[ -z $still ]] || die "still missing after installation: ${still//$'\n'/ }; look at \`apt-cache policy\` of them"
  log "installed"
}

log() { printf 'packages: %s\n' "$*" >&2; }

die() {
  log "$*"
  exit 1
}

main "$@" </dev/null

#!/usr/bin/env bash
# Makes a minimal Debian as a tar archive for `ADD`; both base images use this one script.
# Inputs: IMAGE (base-<suite>), OUT (folder to write rootfs.tar to),
#         APT_MIRROR (where the host gets its packages), HOST_FILES (tree laid over the new root).
set -euo pipefail

main() {
  local suite="${IMAGE#base-}" root
  root="$(mktemp -d)"
  # shellcheck disable=SC2064  # expand now: root is local and gone when the trap runs
  trap "rm -rf '${root}'" EXIT

  debootstrap --variant=minbase "${suite}" "${root}" "${APT_MIRROR}" >&2
  rm -rf "${root}"/var/cache/apt/archives/*.deb "${root}"/var/lib/apt/lists/* "${root}"/var/log/*.log

  # A container must not start services while packages are being installed.
  # https://manpages.debian.org/bookworm/init-system-helpers/invoke-rc.d.8.en.html
  printf '#!/bin/sh\nexit 101\n' >"${root}/usr/sbin/policy-rc.d"
  chmod 0755 "${root}/usr/sbin/policy-rc.d"

  # Unstable's index is valid for a week only; a mirror's snapshot of it may be older than that.
  if [[ ${suite} == sid ]]; then
    echo 'Acquire::Check-Valid-Until "false";' >"${root}/etc/apt/apt.conf.d/80-snapshot"
  fi
  cp -R "${HOST_FILES}/." "${root}/"
  tar -C "${root}" --sort=name -cf "${OUT}/rootfs.tar" .
}
main "$@" </dev/null

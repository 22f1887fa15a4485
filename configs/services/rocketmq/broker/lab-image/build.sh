#!/usr/bin/env bash
# Collects the jars of RocketMQ and of all that it needs into OUT/lib, held to jars.sha256.
# Input: OUT, an existing folder.
set -euo pipefail

main() {
  : "${OUT:?set OUT to the folder that the jars are put into}"
  cd "$(dirname "${BASH_SOURCE[0]}")"
  command -v mvn >/dev/null || die "mvn is not on this machine; install it (Debian: apt-get install maven)"
  mvn --quiet --batch-mode --no-transfer-progress --file pom.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$OUT/lib" || die "the jars of RocketMQ can't be had (above)"
  cp jars.sha256 "$OUT"
  (cd "$OUT/lib" && sha256sum --check --strict --quiet ../jars.sha256) || die "these are not the jars that were looked at"
}

die() {
  echo "build.sh: $*" >&2
  exit 1
}

main "$@" </dev/null

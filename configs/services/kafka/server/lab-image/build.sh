#!/usr/bin/env bash
# Collects Kafka's jars into OUT/libs, which becomes ./out of the build context. Maven holds each to the repository's
# checksum, and all together are those that were tried.
# Input: OUT, an existing folder.
set -euo pipefail

# `sha256sum *.jar | sha256sum`, names in the C locale's order
readonly SUM=97038031a1c67e22882a50d95aa98e54bb6823f2058492eecf1e4cb897a4cd30
readonly PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

main() {
  : "${OUT:?set OUT to the folder that the jars are put into}"
  cd "$(dirname "${BASH_SOURCE[0]}")"
  command -v mvn >/dev/null || die "mvn is not on this machine; install it (Debian: apt-get install maven)"
  mvn --quiet --batch-mode --strict-checksums --file pom.xml "$PLUGIN:copy-dependencies" \
    -DoutputDirectory="$OUT/libs" -DincludeScope=runtime || die "Kafka's jars can't be had (above)"
  [[ $(cd "$OUT/libs" && LC_ALL=C && sha256sum -- *.jar | sha256sum) == "$SUM  -" ]] ||
    die "these are not the jars that were tried; look at what changed and put the new sum into SUM"
}

die() {
  echo "build.sh: $*" >&2
  exit 1
}

main "$@" </dev/null

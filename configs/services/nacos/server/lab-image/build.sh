#!/usr/bin/env bash
# Collects Nacos' jars into OUT/target/lib and makes OUT/target/nacos-server.jar, which starts them; OUT becomes ./out of
# the build context. Maven holds each jar to the repository's checksum, and all together are those that were tried.
# Input: OUT, an existing folder.
set -euo pipefail

# `sha256sum *.jar | sha256sum`, names in the C locale's order
readonly SUM=45224a771498d464f0d385b72af0130c31309d1111688996c1df8ef11889e64b
readonly PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

main() {
  : "${OUT:?set OUT to the folder that the jars are put into}"
  local program
  cd "$(dirname "${BASH_SOURCE[0]}")"
  for program in mvn javac; do
    command -v "$program" >/dev/null || die "$program is not on this machine; install it (Debian: apt-get install maven default-jdk-headless)"
  done
  mvn --quiet --batch-mode --strict-checksums --file pom.xml "$PLUGIN:copy-dependencies" \
    -DoutputDirectory="$OUT/target/lib" -DincludeScope=runtime || die "Nacos' jars can't be had (above)"
  [[ $(cd "$OUT/target/lib" && LC_ALL=C && sha256sum -- *.jar | sha256sum) == "$SUM  -" ]] ||
    die "these are not the jars that were tried; look at what changed and put the new sum into SUM"
  make_starter
}

# make_starter: the official jar has all others in itself; this one names them.
make_starter() {
  local jars
  javac -proc:none --release 17 -cp "$OUT/target/lib/*" -d "$OUT/classes" Boot.java
  jars=("$OUT"/target/lib/*.jar)
  { printf 'Class-Path:'; printf ' lib/%s\n ' "${jars[@]##*/}"; } | sed '/^ *$/d' >"$OUT/manifest"
  jar --create --file "$OUT/target/nacos-server.jar" --manifest "$OUT/manifest" --main-class Boot -C "$OUT/classes" .
  rm -r "$OUT/classes" "$OUT/manifest"
}

die() {
  echo "build.sh: $*" >&2
  exit 1
}

main "$@" </dev/null

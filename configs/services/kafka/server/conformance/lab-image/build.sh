#!/usr/bin/env bash
# Unpacks the driver into OUT, which becomes ./out of the build context. It needs nothing but Python.
# Input: OUT, an existing folder.
set -euo pipefail

readonly WHEEL="kafka-python==3.0.12 --hash=sha256:67add72052e3ad0c37ed9963ebe2b1696adc7f063c64eaf19862c21b69a64a18"

main() {
  : "${OUT:?set OUT to the folder that the driver is put into}"
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --no-compile --require-hashes \
    --target "$OUT" --requirement <(printf '%s\n' "$WHEEL") ||
    { echo "build.sh: the driver can't be had (above); check that \`pip download kafka-python\` reaches a package index" >&2; exit 1; }
}

main "$@" </dev/null

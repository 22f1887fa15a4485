#!/usr/bin/env bash
# Whether this member may stop without harm: exit code 0, or a line that says why not.
set -euo pipefail
cd /usr/local/lib/nacos
for part in member api decide stop; do
  # shellcheck source=/dev/null
  . "./$part.sh"
done
look
[[ -z $REASON ]] && exit
echo "$REASON"
exit 1

#!/usr/bin/env bash
# Prints what this member is: PRIMARY leads the raft group of the services' metadata, SECONDARY follows, NONE knows no leader.
set -euo pipefail
cd /usr/local/lib/nacos
for part in member api decide; do
  # shellcheck source=/dev/null
  . "./$part.sh"
done
read_view 127.0.0.1 || VIEW=''
decide_role "$VIEW" "$HOSTNAME"
echo "$ROLE"

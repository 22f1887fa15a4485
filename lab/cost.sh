#!/usr/bin/env bash
# What a node has used since it started, a line each: `node CPU_NS PROCESSES`, and for each running task
# `task SERVICE CPU_NS MEMORY_BYTES`. Runs in the node; its control groups are version 1, as lab-node-entry has them.
# PROCESSES is the last process id of the node's own namespace, which counts those of its containers, too.
set -euo pipefail

main() {
  local id service cpu
  cd /sys/fs/cgroup
  [[ -r cpuacct/cpuacct.usage ]] || { echo "control groups of version 1 are not there: CPU of tasks is unknown" >&2; exit 1; }
  echo "node $(<cpuacct/cpuacct.usage) $(</proc/sys/kernel/ns_last_pid)"
  docker ps --no-trunc --format '{{.ID}} {{.Label "com.docker.swarm.service.name"}}' |
    while read -r id service; do
      cpu=$(cat "cpuacct/docker/$id/cpuacct.usage" 2>/dev/null) || continue # it has just ended
      echo "task ${service:-$id} $cpu $(awk '$1 == "total_rss" { print $2 }' "memory/docker/$id/memory.stat")"
    done
}
main "$@" </dev/null

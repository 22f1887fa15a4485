#!/usr/bin/env bash
# Reads what a node is, as lines `key value`; writes nothing. A key that is not printed is unknown.
set -euo pipefail

engine() {
  command -v docker >/dev/null || { echo 'engine absent'; return; }
  docker info --format \
    'engine {{.ServerVersion}}
swarm_state {{.Swarm.LocalNodeState}}
swarm_node_id {{.Swarm.NodeID}}
swarm_manager {{.Swarm.ControlAvailable}}
swarm_cluster_id {{if .Swarm.Cluster}}{{.Swarm.Cluster.ID}}{{end}}' 2>/dev/null || echo 'engine stopped'
}

main() {
  echo "hostname $(uname -n)"
  echo "kernel $(uname -r)"
  engine
}

main "$@" </dev/null

"""Ways to a node and to the swarm over SSH."""

"""Five nodes on this machine: tool chain, node image, service images, offline plugins."""

"""The run lock: one writing run on an environment at a time, held on the environment's own managers."""

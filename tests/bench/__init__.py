"""`make bench-preview` and `make bench-growth`: what a run costs, and how that grows; docs/benchmarks.md."""

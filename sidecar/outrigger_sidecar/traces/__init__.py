"""Makes series from traces: what a graph's nodes, models and tools did, as its tracer tells it."""

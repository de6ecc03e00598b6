"""Random histories of the run queue: a model, the same over a store, and what always holds."""

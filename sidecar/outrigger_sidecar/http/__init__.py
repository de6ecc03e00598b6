"""The sidecar's HTTP side: one file per topic."""

"""The sidecar process: health, metrics, relay."""

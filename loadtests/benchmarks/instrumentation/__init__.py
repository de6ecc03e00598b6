"""What metrics, logs and the sidecar cost the server."""

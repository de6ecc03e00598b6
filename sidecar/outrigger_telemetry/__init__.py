"""The telemetry contract that all programs share."""

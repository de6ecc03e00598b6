"""Health checks: one file per probe, and the monitor that runs them."""

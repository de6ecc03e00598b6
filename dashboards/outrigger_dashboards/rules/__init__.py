"""Recording rules, alerts, and where alerts go."""

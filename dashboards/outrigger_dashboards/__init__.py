"""The generator of dashboards, rules and alerts."""

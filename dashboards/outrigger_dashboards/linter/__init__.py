"""Holds boards against rules: those of Grafana's own linter, and ours."""

"""Draws the model as Grafana's classic JSON with its Foundation SDK."""

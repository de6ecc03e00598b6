"""Expressions of PromQL as objects, made from the catalogue."""

"""Harm done to a server that was started for it: what kinds there are, and how each is done."""

"""Reads settings and manifest together, judges them for their environment, and shows them."""

"""Asks two servers the same and compares their answers."""

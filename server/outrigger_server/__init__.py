"""The graph server."""

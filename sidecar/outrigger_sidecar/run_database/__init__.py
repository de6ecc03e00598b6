"""Reads the server's database, whichever it is; never in the server's way, and read-only."""

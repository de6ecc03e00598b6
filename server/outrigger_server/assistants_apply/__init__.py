"""Brings a server's assistants in line with a file."""

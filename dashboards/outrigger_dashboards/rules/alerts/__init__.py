"""The alerts; a file for each component."""

"""The broker of several processes, over one Redis."""

"""The HTTP face of the server: parse, call, render."""

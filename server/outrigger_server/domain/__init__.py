"""The rules of the server as pure values and functions: no I/O, no clock, no framework."""

"""The schema that the server's database is to have, for the server and for those who watch it."""

SCHEMA_REVISION = "0006"
"""The migration the code is written for; a test compares it with the migrations' head."""

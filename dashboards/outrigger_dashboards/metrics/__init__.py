"""Where the names of metrics come from."""

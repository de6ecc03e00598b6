"""Users' graphs: how they are named, loaded, run and shown."""

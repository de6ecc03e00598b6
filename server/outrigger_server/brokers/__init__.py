"""How parts of the server tell each other that something happened; nothing here is the truth."""

"""What a client did and saw: typed operations, one JSON line each."""

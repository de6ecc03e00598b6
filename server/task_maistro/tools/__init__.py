"""What the assistant can do besides talking, one file per subject."""

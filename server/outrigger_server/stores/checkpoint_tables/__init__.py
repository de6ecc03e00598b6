"""Where each database keeps checkpoints, in the format of langgraph's own saver for it."""

"""Where each database keeps items, in the format of langgraph's own store for it."""

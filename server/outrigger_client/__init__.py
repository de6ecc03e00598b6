"""A resilient client on langgraph_sdk."""

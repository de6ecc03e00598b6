"""A LangGraph server in simulated time: correct, or with a known fault for the checker to find."""

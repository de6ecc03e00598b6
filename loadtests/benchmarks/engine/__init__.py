"""Compares the server with its peers and with LangGraph's own limit, all in one run."""

"""Talks to a server of the LangGraph API and writes down what it did."""

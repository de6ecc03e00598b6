"""The relay of traces: takes what LangSmith's SDK sends."""

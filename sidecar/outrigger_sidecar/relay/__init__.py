"""The trace relay: takes in what LangSmith's SDK sends, keeps it on disk and forwards it."""

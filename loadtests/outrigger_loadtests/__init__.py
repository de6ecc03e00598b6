"""Load tests and the double-texting checker."""

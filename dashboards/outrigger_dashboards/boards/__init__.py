"""The boards, in the order in which one looks at them at night; a file for each."""

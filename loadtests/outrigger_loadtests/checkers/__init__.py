"""The invariants: pure functions of what is known of a thread. One file per family."""

"""What a history says about one thread: its runs, when each was in flight, its checkpoints."""

"""The parts of a thread's timeline: what was sent, when runs were in flight, what they left."""

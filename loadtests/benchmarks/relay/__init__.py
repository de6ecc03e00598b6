"""How many run operations the trace relay takes in on one core."""

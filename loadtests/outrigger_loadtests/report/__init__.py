"""What a load test came to, for people and for machines. Nothing here judges or measures."""

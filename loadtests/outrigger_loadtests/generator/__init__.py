"""Load that does not wait for the server: arrivals at planned moments, what came of them."""

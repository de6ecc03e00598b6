"""Where the numbers of /metrics come from: one file per collector, and the page they make."""

"""Who asks, and what they may do: before a request is carried out, and while."""

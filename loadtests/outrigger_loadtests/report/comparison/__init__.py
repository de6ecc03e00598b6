"""Whether a candidate is worse than its base: figures, the rule, and how it is told."""

"""Where rows, checkpoints and store items are kept; the database is the truth."""

"""How much a server holds under its objectives: the search, its stages and what they come to."""

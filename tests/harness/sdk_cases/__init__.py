"""A case for every method of the SDK: a file for each client, a function for each method."""

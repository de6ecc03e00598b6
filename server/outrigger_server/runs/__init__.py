"""The run engine: create, claim, execute, cut, finish, and everything one can watch of it."""

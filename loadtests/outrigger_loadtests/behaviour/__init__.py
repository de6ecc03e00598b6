"""How people behave, as data: profiles in TOML, those that are shipped and those of users."""

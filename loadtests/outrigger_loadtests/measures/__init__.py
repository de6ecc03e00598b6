"""How long operations took and how many there were: values that can be added up."""

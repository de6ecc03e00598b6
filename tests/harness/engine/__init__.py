"""A container engine of the test's own, with stand-ins for images that come from a registry."""

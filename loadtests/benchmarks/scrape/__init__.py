"""How quickly the sidecar answers a scrape, and what it takes at rest."""

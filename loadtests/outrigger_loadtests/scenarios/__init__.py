"""How people double-text: seeded plans of what is sent when, and what carries them out."""

"""The schema's history; migrations only go forward."""

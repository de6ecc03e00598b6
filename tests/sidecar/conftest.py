"""Databases for the sidecar's readers."""

from fakes.postgres_databases import postgres_template, postgres_uri

__all__ = ["postgres_template", "postgres_uri"]

"""Settings of what several processes share."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from outrigger_server.settings.group import SettingsGroup


def _check_postgres(uri: SecretStr | None) -> SecretStr | None:
    if uri is not None and not uri.get_secret_value().startswith(("postgres://", "postgresql://")):
        msg = "give a URI such as postgresql://user:password@host:5432/database"
        raise ValueError(msg)
    return uri


def _check_redis(uri: SecretStr | None) -> SecretStr | None:
    if uri is not None and not uri.get_secret_value().startswith(
        ("redis://", "rediss://", "unix://")
    ):
        msg = "give a URI such as redis://host:6379/0"
        raise ValueError(msg)
    return uri


class ScaleSettings(SettingsGroup):
    """What several processes share; without it, one process keeps all in one SQLite file."""

    postgres_uri: Annotated[SecretStr | None, AfterValidator(_check_postgres)] = Field(
        default=None,
        description="PostgreSQL to store in, in place of SQLite.",
        json_schema_extra={"shown_default": "none: SQLite"},
    )
    redis_uri: Annotated[SecretStr | None, AfterValidator(_check_redis)] = Field(
        default=None,
        description="Redis that joins several processes on one PostgreSQL.",
        json_schema_extra={"shown_default": "none: one process"},
    )
    postgres_connections: int = Field(
        default=10, ge=3, le=1000, description="Connections to PostgreSQL of one process."
    )
    migrate_on_start: bool = Field(
        default=False,
        description="Migrate PostgreSQL at the start; else an old schema is refused.",
    )

"""Settings of what is logged and how."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from outrigger_server.settings.group import SettingsGroup

LogFormat = Literal["json", "console", "auto"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


class LogSettings(SettingsGroup):
    """What is logged and how."""

    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = Field(
        default="auto",
        description="json, console, or auto: console when stdout is a terminal, else json.",
    )
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = Field(
        default="info", description="Least level logged: debug, info, warning, error or critical."
    )

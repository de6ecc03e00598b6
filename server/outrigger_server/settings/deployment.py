"""The setting of what this deployment is for."""

from typing import Literal

from pydantic import Field

from outrigger_server.settings.group import SettingsGroup

EnvironmentName = Literal["development", "staging", "production"]


class DeploymentSettings(SettingsGroup):
    """What this deployment is for: how strict a start is, and what its traces are marked with."""

    environment: EnvironmentName = Field(
        default="development",
        description=(
            "development, staging (warns of what is unsafe) or production (refuses it); "
            "traces say it."
        ),
    )

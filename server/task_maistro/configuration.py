"""What a caller may set for one run, checked. Not process-wide: that is `environment.py`.

A server hands these values over as the run's context, or as `config["configurable"]`.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from task_maistro.tools.names import ToolName

SIMULATED = "simulated"
AUTHENTICATED_USER = "langgraph_auth_user_id"


class ConfigurationError(Exception):
    """A configured value is wrong; the message names every wrong field."""


class Configuration(BaseModel):
    """The settings of one run of Task Maistro."""

    model_config = ConfigDict(frozen=True)

    user_id: str = Field(
        default="default",
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]+$",
        description="Whose memory and tasks this run uses. An authenticated user's id wins.",
    )
    assistant_role: str = Field(
        default="You are Task Maistro, a friendly assistant that keeps the user's task list.",
        min_length=1,
        max_length=4_000,
        description="The opening of the system prompt.",
    )
    model: str = Field(
        default=SIMULATED,
        pattern=rf"^({SIMULATED}|[A-Za-z0-9_-]+:\S+)$",
        description='"simulated", which needs no key, or "provider:model".',
    )
    temperature: float = Field(
        default=0.0, ge=0, le=2, allow_inf_nan=False, description="Randomness of the model."
    )
    max_tokens: int = Field(
        default=1_000, ge=100, le=10_000, description="Longest answer of the model, in tokens."
    )
    enable_memory: bool = Field(
        default=True, description="Read and write the user's profile and past interactions."
    )
    enable_tools: bool = Field(default=True, description="Let the model call tools.")
    allowed_tools: tuple[ToolName, ...] = Field(
        default=tuple(ToolName), description="The tools the model may call."
    )

    def usable_tools(self) -> frozenset[ToolName]:
        """Return the tools of this run: none when tools are disabled."""
        return frozenset(self.allowed_tools) if self.enable_tools else frozenset()


def resolve_configuration(
    context: Configuration | Mapping[str, Any] | None, configurable: Mapping[str, Any]
) -> Configuration:
    """Merge what the server gave: context wins over configurable, the authenticated user over both.

    Names in `configurable` that are not ours belong to the server and are ignored.

    Raises:
        ConfigurationError: A value is wrong.
    """
    known = Configuration.model_fields
    values = {name: value for name, value in configurable.items() if name in known}
    if values.get("user_id") in {None, ""}:  # servers say so when nobody is logged in
        values.pop("user_id", None)
    if isinstance(context, Configuration):
        values |= context.model_dump(exclude_unset=True)
    elif context is not None:
        values |= context
    if user := configurable.get(AUTHENTICATED_USER):
        values["user_id"] = str(user)
    try:
        return Configuration.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(
            "; ".join(
                f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
                for fault in error.errors()
            )
        ) from None

"""What a caller may set for one run, checked. Not process-wide: that is `environment.py`.

A server hands these values over as the run's context, or as `config["configurable"]`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from task_maistro.tools.names import ToolName

SIMULATED = "simulated"
MODEL_PATTERN = rf"^({SIMULATED}|[A-Za-z0-9_-]+:\S+)$"
MAX_MEMORY_ITEMS = 200
AUTHENTICATED_USER = "langgraph_auth_user_id"


PersonalData = Literal["off", "redact", "mask", "hash", "block"]
"""What becomes of personal data in a user's message."""

Phrase = Annotated[str, Field(min_length=2, max_length=100)]


class ConfigurationError(Exception):
    """A configured value is wrong; the message names every wrong field."""


class ResponseStyle(StrEnum):
    """How long answers are."""

    BRIEF = "brief"
    BALANCED = "balanced"
    DETAILED = "detailed"


def _care(value: object) -> object:
    if isinstance(value, bool):  # YAML reads a bare off as false
        return "redact" if value else "off"
    return value


class Preferences(BaseModel):
    """What a user may choose for all of their runs; what is None is left to the assistant."""

    model_config = ConfigDict(frozen=True)

    personality: str | None = Field(
        default=None, min_length=1, max_length=500, description="How the assistant speaks."
    )
    response_style: ResponseStyle | None = Field(
        default=None, description="How long answers are: brief, balanced or detailed."
    )


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
    personality: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="How the assistant speaks, such as: warm, with dry humour.",
    )
    response_style: ResponseStyle = Field(
        default=ResponseStyle.BALANCED,
        description="How long answers are: brief (one sentence), balanced or detailed.",
    )
    model: str = Field(
        default=SIMULATED,
        pattern=MODEL_PATTERN,
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
    memory_retention_days: int = Field(
        default=365, ge=1, le=3_650, description="Age at which past interactions are forgotten."
    )
    max_memory_items: int = Field(
        default=20, ge=1, le=MAX_MEMORY_ITEMS, description="Past interactions kept of one user."
    )
    enable_tools: bool = Field(default=True, description="Let the model call tools.")
    allowed_tools: tuple[ToolName, ...] = Field(
        default=tuple(ToolName), description="The tools the model may call."
    )
    tool_timeout: float = Field(
        default=15.0,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="Seconds one call of a tool may take.",
    )
    content_filter: tuple[Phrase, ...] = Field(
        default=(),
        max_length=200,
        description="Words and phrases; a message that holds one is refused and not kept.",
    )
    pii_detection: Annotated[PersonalData, BeforeValidator(_care)] = Field(
        default="off",
        description=(
            "What becomes of mail, IP and MAC addresses and numbers of credit cards in a "
            "message: off, redact, mask, hash, or block, which refuses it."
        ),
    )

    def usable_tools(self) -> frozenset[ToolName]:
        """Return the tools of this run: none when tools are disabled."""
        return frozenset(self.allowed_tools) if self.enable_tools else frozenset()

    def preferred_by(self, preferences: Preferences) -> Self:
        """Return what holds for a user with these preferences, which win."""
        return self.model_copy(update=preferences.model_dump(exclude_none=True))


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

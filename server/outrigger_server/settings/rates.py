"""Settings of how often a caller may ask."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field
from typing_extensions import override

from outrigger_server.settings.group import SettingsGroup

LONGEST_SECONDS = 30 * 86400
"""A month."""
_ADVICE = "give one limit such as 100/minute, 5 per 10 seconds or 1000/hour; at most a month"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests in so many seconds."""

    amount: int
    seconds: int

    @override
    def __str__(self) -> str:
        """As it may be given."""
        return f"{self.amount} per {self.seconds} seconds"


def _read_limit(value: object) -> object:
    if not isinstance(value, str):
        return value
    from limits import parse_many  # takes as long as the rest of the settings; only who sets one

    try:
        limits = parse_many(value)
    except ValueError as error:
        raise ValueError(_ADVICE) from error
    if len(limits) != 1 or limits[0].amount < 1 or limits[0].get_expiry() > LONGEST_SECONDS:
        raise ValueError(_ADVICE)
    return RateLimit(limits[0].amount, limits[0].get_expiry())


Limit = Annotated[RateLimit | None, BeforeValidator(_read_limit)]
_NONE = {"shown_default": "none"}


class RateSettings(SettingsGroup):
    """How often one caller may ask: by its identity, or without one by its address."""

    rate_limit_runs: Limit = Field(
        default=None,
        description="How often a caller may create runs, such as `60/minute`; then 429.",
        json_schema_extra={**_NONE},
    )
    rate_limit_holding: Limit = Field(
        default=None,
        description="The same for following runs: streams and joins.",
        json_schema_extra={**_NONE},
    )
    rate_limit_plain: Limit = Field(
        default=None,
        description="The same for every other request, but `/ok`, `/info` and `/metrics`.",
        json_schema_extra={**_NONE},
    )

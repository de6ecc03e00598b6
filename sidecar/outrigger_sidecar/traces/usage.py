"""The tokens of one answer of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outrigger_telemetry import gen_ai_names as gen_ai


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by kind. Those of the cache are a part of `input`, reasoning is one of `output`."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    cost: float | None = None
    """What the sender says that it cost, in USD."""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Usage":
        """Read the `usage_metadata` of a trace; what is missing or no number is 0."""
        into, out = _details(given, "input"), _details(given, "output")
        cost = given.get("total_cost")
        return cls(
            input=_tokens(given.get("input_tokens")),
            output=_tokens(given.get("output_tokens")),
            cache_read=_tokens(into.get("cache_read")),
            cache_write=_tokens(into.get("cache_creation")),
            reasoning=_tokens(out.get("reasoning")),
            cost=float(cost) if isinstance(cost, int | float) and cost >= 0 else None,
        )

    @property
    def by_type(self) -> Mapping[str, int]:
        """The tokens by what the series call their type."""
        return {
            gen_ai.INPUT: self.input,
            gen_ai.OUTPUT: self.output,
            gen_ai.CACHE_READ: self.cache_read,
            gen_ai.REASONING: self.reasoning,
        }


def _details(given: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    details = given.get(f"{side}_token_details")
    return details if isinstance(details, Mapping) else {}


def _tokens(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0

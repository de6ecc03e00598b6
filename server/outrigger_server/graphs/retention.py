"""How long threads and items stay: `checkpointer.ttl` and `store.ttl` of langgraph.json."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from outrigger_server.domain.item import ItemTtl
from outrigger_server.domain.thread import Ttl, TtlStrategy

Fault = Callable[[str, str], None]
"""Takes note of what is wrong with a key."""


@dataclass(frozen=True, slots=True)
class Retention:
    """When threads and items go by themselves."""

    threads: Ttl | None = None
    """The time to live of a thread that says nothing else; None: it stays."""
    thread_sweep_minutes: float = 5.0
    thread_sweep_limit: int = 1000
    """Most threads of one sweep."""
    items: ItemTtl = field(default_factory=ItemTtl)
    item_sweep_minutes: float = 5.0


def read_retention(
    checkpointer: Mapping[str, Any], store: Mapping[str, Any], fault: Fault
) -> Retention:
    """Read both keys; what is wrong with them goes to `fault`."""
    threads = _Part("checkpointer.ttl", checkpointer.get("ttl"), fault)
    items = _Part("store.ttl", store.get("ttl"), fault)
    minutes = threads.number("default_ttl")
    strategy = threads.choice("strategy")
    limit = threads.number("sweep_limit", 1000.0)
    refresh = items.flag("refresh_on_read", default=True)
    return Retention(
        threads=Ttl(minutes, strategy) if minutes is not None else None,
        thread_sweep_minutes=threads.number("sweep_interval_minutes", 5.0) or 5.0,
        thread_sweep_limit=max(1, int(limit or 1000)),
        items=ItemTtl(items.number("default_ttl"), refresh),
        item_sweep_minutes=items.number("sweep_interval_minutes", 5.0) or 5.0,
    )


class _Part:
    """One of the objects, which may be missing."""

    def __init__(self, key: str, given: Any, fault: Fault) -> None:
        self._key = key
        self._fault = fault
        self._values: Mapping[str, Any] = {}
        if isinstance(given, dict):
            self._values = given
        elif given is not None:
            fault(key, 'must be an object, such as {"default_ttl": 43200}')

    def number(self, name: str, default: float | None = None) -> float | None:
        value = self._values.get(name)
        if value is None:
            return default
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value <= 0:
            self._fault(f"{self._key}.{name}", "must be a number above 0")
            return default
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._fault(f"{self._key}.{name}", "must be true or false")
        return value is True

    def choice(self, name: str) -> TtlStrategy:
        value = self._values.get(name)
        if value is None or value in set(TtlStrategy):
            return TtlStrategy(value or TtlStrategy.DELETE)
        self._fault(f"{self._key}.{name}", f"must be one of {', '.join(TtlStrategy)}")
        return TtlStrategy.DELETE

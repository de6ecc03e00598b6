"""Items of the store: how long they stay."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ItemTtl:
    """How long items stay that say nothing else, in minutes; None: for ever."""

    default_minutes: float | None = None
    refresh_on_read: bool = True
    """Reading an item lets its time begin again, unless the reader says otherwise."""

"""What a client may ask about items of the store."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from outrigger_server.api.wire.fields import MAX_PAGE, Limit, Offset, WireModel
from outrigger_server.stores.item_tables.ops import OPERATORS, SIGNS

MOST_LABELS = 100
_PLAIN_KEY = re.compile(r"[a-zA-Z0-9_.-]+")
MOST_MINUTES = 5_256_000
"""Ten years: what is to stay for longer needs no time to live."""


def _label(label: str) -> str:
    if not label or "." in label or "\0" in label:
        msg = f"Namespace label '{label}' must be a non-empty string without periods"
        raise ValueError(msg)
    return label


def _without_nul(value: Any) -> Any:
    if isinstance(value, str) and "\0" in value:
        msg = "NUL characters cannot be stored"
        raise ValueError(msg)
    for each in value.values() if isinstance(value, dict) else ():
        _without_nul(each)
    for each in value if isinstance(value, (dict, list)) else ():
        _without_nul(each)
    return value


def _known_operators(wanted: dict[str, Any] | None) -> dict[str, Any] | None:
    for key, value in (wanted or {}).items():
        if not _PLAIN_KEY.fullmatch(key):
            msg = f"{key!r} cannot be searched for: give keys of letters, digits, _, . and -"
            raise ValueError(msg)
        named = isinstance(value, dict) and any(name.startswith("$") for name in value)
        for name, given in value.items() if named else ():
            if name not in OPERATORS:
                msg = f"Unsupported operator: {name}; use one of {', '.join(sorted(OPERATORS))}"
                raise ValueError(msg)
            comparable = isinstance(given, (str, int, float)) and not isinstance(given, bool)
            if name in SIGNS and not comparable:
                msg = f"{key}.{name} compares with a number or a text"
                raise ValueError(msg)
    return wanted


Label = Annotated[str, AfterValidator(_label)]
Labels = Annotated[list[Label], Field(max_length=MOST_LABELS)]
Key = Annotated[str, AfterValidator(_without_nul)]
Value = Annotated[dict[str, Any], AfterValidator(_without_nul)]
Filter = Annotated[
    dict[str, Any] | None, AfterValidator(_without_nul), AfterValidator(_known_operators)
]
Minutes = Annotated[float, Field(gt=0, le=MOST_MINUTES, allow_inf_nan=False)]


class ItemPut(WireModel):
    """An item to store."""

    namespace: Labels
    key: Key
    value: Value
    index: Literal[False] | list[str] | None = None
    ttl: Minutes | None = None


class ItemDelete(WireModel):
    """An item to remove."""

    namespace: Labels
    key: Key


class ItemSearch(WireModel):
    """Which items are wanted."""

    namespace_prefix: Labels | None = None
    filter: Filter = None
    limit: Limit = 10
    offset: Offset = 0
    query: Annotated[str | None, AfterValidator(_without_nul)] = None
    refresh_ttl: bool | None = None


class NamespaceSearch(WireModel):
    """Which namespaces are wanted."""

    prefix: Labels | None = None
    suffix: Labels | None = None
    max_depth: Annotated[int, Field(ge=1, le=MOST_LABELS)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    offset: Offset = 0

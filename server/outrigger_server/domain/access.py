"""Who asks, and which rows are theirs: values only, nothing is looked up here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AUTH_PREFIX = "langgraph_auth_"
"""Begins the names in a run's configuration that only the server may set."""


class User(dict[str, Any]):
    """An authenticated caller: a mapping of what is known, whose keys are attributes too."""

    def __init__(self, /, identity: str, **known: Any) -> None:
        super().__init__(known, identity=identity)
        self.setdefault("display_name", identity)
        self.setdefault("is_authenticated", True)
        self["permissions"] = list(known.get("permissions") or ())

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def identity(self) -> str:
        """The name that rules and graphs know the caller by."""
        identity: str = self["identity"]
        return identity

    @property
    def permissions(self) -> list[str]:
        """What the caller may do, in words of whoever authenticated it."""
        permissions: list[str] = self["permissions"]
        return permissions


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows a caller may see, by their metadata; every condition must hold."""

    equal: Mapping[str, Any]
    contains: Mapping[str, Sequence[Any]]
    """The lists that these keys hold have all of these elements."""

    def __bool__(self) -> bool:
        return bool(self.equal or self.contains)

    def matches(self, metadata: Mapping[str, Any]) -> bool:
        """True when a row with this metadata may be seen."""
        return all(
            key in metadata and _same(metadata[key], value) for key, value in self.equal.items()
        ) and all(_holds(metadata.get(key), wanted) for key, wanted in self.contains.items())


EVERYTHING = Filter({}, {})
"""No row is hidden."""


def _same(given: Any, wanted: Any) -> bool:
    # To Python True is 1; to JSON it is not.
    return isinstance(given, bool) == isinstance(wanted, bool) and bool(given == wanted)


def _holds(given: Any, wanted: Sequence[Any]) -> bool:
    return isinstance(given, list) and all(
        any(_same(each, element) for each in given) for element in wanted
    )


def to_filter(conditions: Mapping[Any, Any]) -> Filter:
    """The filter that an authorization handler returned.

    Raises:
        ValueError: It is not of a known form; what it was meant to hide is not known.
    """
    equal: dict[str, Any] = {}
    contains: dict[str, Sequence[Any]] = {}
    for key, condition in conditions.items():
        operators = condition if isinstance(condition, Mapping) else {"$eq": condition}
        if not isinstance(key, str) or not operators or operators.keys() - {"$eq", "$contains"}:
            msg = "give a value, {'$eq': value} or {'$contains': value or list} for each key"
            raise ValueError(msg)
        if "$eq" in operators:
            equal[key] = _checked(key, operators["$eq"])
        if "$contains" in operators:
            given = operators["$contains"]
            elements = given if isinstance(given, list | tuple | set) else [given]
            if not elements:
                msg = f"{key!r}: $contains needs at least one element"
                raise ValueError(msg)
            contains[key] = tuple(_checked(key, each) for each in elements)
    return Filter(equal, contains)


def _checked(key: str, value: Any) -> Any:
    if value is not None and not isinstance(value, str | int | float | bool):
        msg = f"{key!r} is compared with a {type(value).__name__}; give text or a number"
        raise ValueError(msg)
    return value

"""Makes the answers of two servers comparable: what must differ gets a name that does not.

An id becomes the place at which it first came up in its case, so that two servers agree exactly
when they say the same id at the same places. Ids that the case itself names stay as they are.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ID = re.compile(rf"{_UUID}|(?<![0-9a-zA-Z])[0-9a-f]{{32}}(?![0-9a-zA-Z])")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_EVENT_ID = re.compile(r"\d{13}-\d+")

# The value of these keys tells about the machine, the version or the moment.
OF_THE_SERVER = frozenset(
    {
        "langgraph_api_version",
        "langgraph_version",
        "langgraph_py_version",
        "langgraph_request_id",
        "lc_versions",
        "__request_start_time_ms__",
    }
)


class Normaliser:
    """The names that one server's answers to one case have got so far."""

    def __init__(self, url: str, named: Collection[str]) -> None:
        self._url = url
        self._named = frozenset(named)
        self._places: dict[str, str] = {}

    def answer(self, number: int, answer: Mapping[str, Any]) -> Any:
        """The answer of step `number`, comparable."""
        return self._value(dict(answer), str(number), "")

    def _value(self, value: Any, place: str, key: str) -> Any:
        if key in OF_THE_SERVER:
            return f"<{key}>"
        if isinstance(value, dict):
            return self._object(value, place)
        if isinstance(value, list):
            return [self._value(each, f"{place}.{i}", "") for i, each in enumerate(value)]
        return self._text(value, place) if isinstance(value, str) else value

    def _object(self, value: dict[str, Any], place: str) -> dict[str, Any]:
        shown = {}
        for key in sorted(value, key=lambda key: (_ID.sub("", key), key)):
            name = self._text(key, f"{place}.key")
            shown[name] = self._value(value[key], f"{place}.{name}", key)
        return shown

    def _text(self, text: str, place: str) -> str:
        text = text.replace(self._url, "<server>")
        text = _TIME.sub(lambda match: f"<time{match[1] or ''}>", text)
        text = _EVENT_ID.sub("<event id>", text)
        return _ID.sub(lambda match: self._name(match[0], place), text)

    def _name(self, raw: str, place: str) -> str:
        if raw in self._named:
            return raw
        return f"<id of {self._places.setdefault(raw, place)}>"


def ids_in(data: Any) -> set[str]:
    """Every id that the data, such as a case, names itself."""
    return set(_ID.findall(data if isinstance(data, str) else json.dumps(data, default=str)))

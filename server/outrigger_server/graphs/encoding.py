"""Graphs' values as JSON: messages, pydantic models and whatever else a state may hold."""

import base64
import dataclasses
import json
from collections import deque
from typing import Any

import orjson
from pydantic import BaseModel

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def encode(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8; NaN becomes null.

    Objects that JSON does not know become what reads best: a model its fields, a set a
    list, an error its class and text, anything else its `str`.
    """
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS)
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits and lone surrogates: the standard library takes them.
        return json.dumps(_bare(value), separators=(",", ":"), allow_nan=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, (set, frozenset, deque)):
        return list(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, BaseException):
        return {"error": type(value).__name__, "message": str(value)}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    return str(value)


def _bare(value: Any) -> Any:
    """`value` as orjson would write it, in plain types, but for what orjson refuses."""
    if type(value) in _LEAVES:
        return value
    if isinstance(value, dict):
        return {_bare_key(key): _bare(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_asdict"):
        return [_bare(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _bare(getattr(value, each.name)) for each in dataclasses.fields(value)}
    try:
        return json.loads(orjson.dumps(value, option=_OPTIONS))
    except orjson.JSONEncodeError:
        return _bare(_plain(value))


_LEAVES = frozenset({str, int, bool, type(None)})


def _bare_key(key: Any) -> str:
    if type(key) is str:
        return key
    try:
        name: str = next(iter(orjson.loads(orjson.dumps({key: None}, option=_OPTIONS))))
    except orjson.JSONEncodeError:  # no key JSON knows a text for, a tuple say
        return str(key)
    return name
